# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as Markdown: the paper's Tables 1 to 3, and tables of measures that the paper does not have."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from server.evaluation.guesses import GuessCounts
from server.evaluation.intervals import FEWEST_CLIPS, MEASURES, Interval, gains, means
from server.evaluation.methods import METHODS, TABLES
from server.evaluation.results import ClipResult
from server.evaluation.segments import SegmentShares
from server.evaluation.summary import Scores, Summary

NONE = "–"
COMPARED = ("ours", "dglm")
"""The methods whose gain over the others is shown."""

_PAPER = ("LPIPS ↓", "SSIM ↑", "PSNR ↑", "FVD ↓", "FID ↓")
_MODULES = (
    "The model alone, as it painted (finish `painted`), on whole clips. The Color Consistency Reward (CCR) is a stage "
    "of training, not a switch. It needs one preset with it and one without it."
)
_FUSION = (
    "The conditions are those of Table 2, with DGLM. t_st counts the steps of 50 that are left when fusion begins. A "
    "preset of few steps cannot tell all the settings apart."
)


def markdown(
    clips: Sequence[ClipResult], summaries: Mapping[str, Summary], refused: Mapping[str, str], lpips: str
) -> str:
    """Write all tables.

    clips: the measured clips; summaries: by method; refused: metric → sentence that says what is missing; lpips: the
    network that LPIPS uses, empty if LPIPS is refused.
    """
    parts = [_heading(clips, lpips)]
    if rows := _ranked(summaries, TABLES["table1"]):
        head = ("method", *(f"{name} {term}" for term in ("short", "long") for name in _PAPER))
        parts += ["## Table 1: comparison", _table(head, rows)]
    if any(name in summaries for name in TABLES["table2"]):
        rows = [
            [str(number), METHODS[name].title, *_long_term(summaries.get(name))]
            for number, name in enumerate(TABLES["table2"])
        ]
        rows.append(["4", "3 + CCR", *[NONE] * 4])
        parts += ["## Table 2: ablation of the modules", _MODULES, _table(("ID", "settings", *_PAPER[:4]), rows)]
    if any(name in summaries for name in TABLES["table3"]):
        titles = {"dglm": "fusion from t_st = 20"}
        rows = [[titles.get(name, METHODS[name].title), *_long_term(summaries.get(name))] for name in TABLES["table3"]]
        parts += ["## Table 3: ablation of Color Consistency Fusion", _FUSION, _table(("settings", *_PAPER[:4]), rows)]
    if len(parts) > 1 and (notes := _notes(summaries.values(), refused)):
        parts.append("\n".join(f"- {note}" for note in notes))
    parts += ["## Color", _COLOR_NOTE, _table(_COLOR_HEAD, [_color(name, each) for name, each in summaries.items()])]
    rows = [[METHODS[name].title, *_parts(each)] for name, each in summaries.items()]
    parts += ["## Segments, borders and guesses", _PARTS_NOTE, _table(_PARTS_HEAD, rows)]
    if len(clips) >= FEWEST_CLIPS:
        parts += ["## Confidence", _CONFIDENCE_NOTE, _table(("method", *MEASURES), _confidence(clips))]
    parts += ["## Frequency analysis (Fig. 8)", _FREQUENCY_NOTE, _table(_FREQUENCY_HEAD, _frequency(summaries))]
    parts += ["## Clips", _table(_CLIP_HEAD, [row for clip in clips for row in _clip(clip)])]
    return "\n\n".join(parts) + "\n"


_COLOR_NOTE = (
    "Colors are compared as CIEDE2000 at full size, without line pixels. A pixel has moved when its true color is not "
    "the nearest keyframe's color at that place. For a drawing that is colored from the drawing before, this is the "
    "keyframe. Areas right is the share of moved areas of one true color that are right in most of their pixels. Each "
    "other area is one click to repair. Flicker is the mean ΔE, from a drawing to the next, between the mean colors of "
    "areas whose true color stays where it is. The truth has 0, and so has a result that never changes."
)
_COLOR_HEAD = (
    "method",
    "mean ΔE ↓",
    "within ΔE 10 ↑",
    "moved, within ΔE 10 ↑",
    "areas right ↑",
    "flicker ↓",
    "seconds to color",
)
_PARTS_NOTE = (
    "A segment is a closed region of the line art. It is right when most of its pixels are within ΔE 10. The shares "
    "are means over drawings, then over clips, as BasicPBC and DACoN report them. They color each drawing from the "
    "true painting of the drawing before. So does *ours, from the drawing before*. Unexplained borders lie between two "
    "colors on open paper, where the truth has none nearby and the two colors meet in no keyframe. Their length is in "
    "picture heights a frame. The last two columns say which share of the regions that are listed as "
    "guesses is wrong, and which share of the wrong regions is listed."
)
_PARTS_HEAD = (
    "method",
    "segments right ↑",
    "over 10 px ↑",
    "pixels right ↑",
    "unexplained borders ↓",
    "wrong of listed ↑",
    "listed of wrong ↑",
)
_CONFIDENCE_NOTE = (
    "Means over clips, each clip counted alike, with 95 % confidence intervals by the bootstrap over clips. The rows "
    "with *gain* compare two methods on the same clips: a gain whose interval is above 0 is no accident of these clips."
)
_FREQUENCY_NOTE = (
    "PSNR in dB of the low frequencies (below 16 cycles per picture: color) and of the high frequencies, and how far "
    "it has decayed after the first 14 frames, in %."
)
_FREQUENCY_HEAD = ("method", "low ↑", "high ↑", "low: decay ↓", "high: decay ↓")
_CLIP_HEAD = (
    "clip",
    "method",
    "mean ΔE ↓",
    "within ΔE 10 ↑",
    "moved, within ΔE 10 ↑",
    "areas right ↑",
    "segments right ↑",
    "over 10 px ↑",
    "unexplained borders ↓",
    "flicker ↓",
)


def number(value: float | None, digits: int) -> str:
    """A number as text, or a dash if there is none."""
    return NONE if value is None else f"{value:.{digits}f}"


def share(value: float | None) -> str:
    """A share in percent, or a dash if there is none."""
    return NONE if value is None else f"{value:.1%}"


def part_cells(segments: SegmentShares, borders: float | None, guesses: GuessCounts | None) -> list[str]:
    """The shares of segments, the length of unexplained borders, and how many of the listed regions are wrong and of
    the wrong ones listed."""
    of_guesses = (guesses.wrong_of_listed, guesses.listed_of_wrong) if guesses else (None, None)
    shares = [share(segments.segments), share(segments.large), share(segments.pixels)]
    return [*shares, number(borders, 3), *map(share, of_guesses)]


def _heading(clips: Sequence[ClipResult], lpips: str) -> str:
    settings = clips[0].settings
    frames = [len(clip.drawing_of) for clip in clips]
    drawings = sum(max(clip.drawing_of) + 1 for clip in clips)
    length = f"{min(frames)} to {max(frames)}" if min(frames) < max(frames) else str(frames[0])
    count = "one clip" if len(clips) == 1 else f"{len(clips)} clips"
    painted = len(settings.keyframes)
    keyframes = "one painted keyframe" if painted == 1 else f"{painted} painted keyframes"
    text = (
        f"Preset `{settings.preset}`, seed {settings.seed}, {count} of {length} frames ({drawings} drawings in all), "
        f"{keyframes} each. Frame metrics leave out the keyframes' own drawings. The paper's metrics look at "
        "256×256 in [0, 1]. Short term is the first 14 frames. Long term is the whole clip."
    )
    return f"# Evaluation\n\n{text}" + (f" LPIPS uses {lpips}." if lpips else "")


def _notes(summaries: Iterable[Summary], refused: Mapping[str, str]) -> list[str]:
    notes = list(refused.values())
    scores = [term for summary in summaries for term in (summary.short, summary.long)]
    if "FVD" not in refused and any(term.fvd is None for term in scores):
        notes.append("FVD needs at least two clips, of ten frames or more each.")
    return notes


def _ranked(summaries: Mapping[str, Summary], names: Iterable[str]) -> list[list[str]]:
    """The rows of Table 1, the best of each column in bold."""
    names = [name for name in names if name in summaries]
    columns = [
        [_paper(getattr(summaries[name], term))[place] for name in names]
        for term in ("short", "long")
        for place in range(len(_PAPER))
    ]
    marked = [_best_in_bold(column, _PAPER[place % len(_PAPER)]) for place, column in enumerate(columns)]
    return [[METHODS[name].title, *row] for name, row in zip(names, zip(*marked, strict=True), strict=True)]


def _best_in_bold(column: Sequence[str], heading: str) -> list[str]:
    known = {float(value) for value in column if value != NONE}
    if len(known) < 2:
        return list(column)
    best = max(known) if "↑" in heading else min(known)
    return [f"**{value}**" if value != NONE and float(value) == best else value for value in column]


def _paper(scores: Scores) -> list[str]:
    return [
        number(scores.lpips, 3),
        number(scores.ssim, 3),
        number(scores.psnr, 2),
        number(scores.fvd, 2),
        number(scores.fid, 2),
    ]


def _long_term(summary: Summary | None) -> list[str]:
    return [NONE] * 4 if summary is None else _paper(summary.long)[:4]


def _color(name: str, summary: Summary) -> list[str]:
    color = summary.color
    measures = [number(color.mean_de, 2), share(color.within10), share(color.within10_moved), share(summary.areas)]
    return [METHODS[name].title, *measures, number(summary.flicker, 2), number(summary.seconds, 1)]


def _parts(summary: Summary) -> list[str]:
    return part_cells(summary.segments, summary.borders, summary.guesses)


def _confidence(clips: Sequence[ClipResult]) -> list[list[str]]:
    """Each method, and what the first of COMPARED that was measured gains over each other method."""
    measured = [clip.methods for clip in clips]
    names = list(measured[0])
    rows = [[METHODS[name].title, *map(_interval, means(measured, name))] for name in names]
    for best in [name for name in COMPARED if name in names][:1]:
        for name in names:
            if name != best:
                title = f"gain of *{METHODS[best].title}* over *{METHODS[name].title}*"
                rows.append([title, *map(_interval, gains(measured, best, name))])
    return rows


def _interval(found: Interval | None) -> str:
    return NONE if found is None else f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})"


def _frequency(summaries: Mapping[str, Summary]) -> list[list[str]]:
    return [
        [METHODS[name].title]
        + [number(value, 2) for value in (each.psnr_low, each.psnr_high, each.decay_low, each.decay_high)]
        for name, each in summaries.items()
    ]


def _clip(clip: ClipResult) -> list[list[str]]:
    return [
        [
            Path(clip.path).name if place == 0 else "",
            METHODS[name].title,
            number(measures.color.mean_de, 2),
            share(measures.color.within10),
            share(measures.color.within10_moved),
            share(measures.areas),
            share(measures.segments.segments),
            share(measures.segments.large),
            number(measures.borders, 3),
            number(measures.flicker, 2),
        ]
        for place, (name, measures) in enumerate(clip.methods.items())
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = {"method", "settings", "clip"}
    rule = ["---" if name in text else "---:" for name in head]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
