# SPDX-License-Identifier: GPL-3.0-or-later
"""The command writes its tables, continues where it stopped, and never shows a number that was not measured."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from server.coloring.numbered_files import FolderError
from server.evaluation import cli, methods
from server.evaluation.clip import Clip, read_clip
from server.evaluation.colored_clip import ColoredClip
from server.evaluation.evaluation import find_keyframes
from server.evaluation.guesses import GuessCounts
from server.evaluation.intervals import FEWEST_CLIPS
from server.evaluation.measures import ClipTruth, Measures
from server.evaluation.perceptual import PerceptualMetrics, load_perceptual_metrics
from server.evaluation.results import ClipResult, ResultFolder, Settings
from server.evaluation.segments import SegmentShares
from server.evaluation.sources import from_keyframes, from_neighbors
from server.evaluation.summary import summarize
from server.evaluation.tables import markdown
from server.images.codec import encode_png
from server.training.cartoon import draw_clip
from shared.timing import Exposure
from tests.evaluation.test_clips import arguments

pytestmark = pytest.mark.slow

DRAWINGS, HOLD = 9, 2


BOX = 100 / (60 * 90)
"""The share of a picture that the box of `picture_with_a_box` covers."""


def picture_with_a_box(left: int) -> tuple[np.ndarray, np.ndarray]:
    """Blank line art, and a red box without lines on white."""
    painting = np.full((60, 90, 3), 255, np.uint8)
    painting[20:30, left : left + 10] = (220, 40, 40)
    return np.full((60, 90), 255, np.uint8), painting


def write_clip(folder: Path, seed: int) -> Path:
    """A cartoon of nine drawings on twos, frames from 1."""
    clip = draw_clip(seed, DRAWINGS, 96, 64)
    for name in ("lineart", "color"):
        (folder / name).mkdir(parents=True)
    for frame in range(DRAWINGS * HOLD):
        art, labels = clip.line_art[frame // HOLD], clip.labels[frame // HOLD]
        painting = (clip.colors[labels] * (art[..., None] / 255)).round().astype(np.uint8)
        (folder / "lineart" / f"{1 + frame:04}.png").write_bytes(encode_png(art))
        (folder / "color" / f"{1 + frame:04}.png").write_bytes(encode_png(painting))
    return folder


@pytest.fixture
def clips(tmp_path) -> list[Path]:
    return [write_clip(tmp_path / name, seed) for name, seed in (("walk", 21), ("run", 22))]


@pytest.fixture
def colored(monkeypatch) -> list[str]:
    """Which methods colored a clip, in order."""
    calls: list[str] = []

    def counted(name: str, method: methods.Method) -> methods.Method:
        def color(task):
            calls.append(name)
            return method.color(task)

        return replace(method, color=color)

    for name, method in list(methods.METHODS.items()):
        monkeypatch.setitem(methods.METHODS, name, counted(name, method))
    return calls


def evaluate(tmp_path: Path, *words: object, methods: str = "hold") -> Path:
    output = tmp_path / "out"
    rest = ("--output", output, "--metric-weights", tmp_path / "none", "--methods", methods)
    assert cli.run(arguments(*map(str, (*words, *rest)))) == 0
    return output


def test_everything_is_written(tmp_path, clips):
    output = evaluate(tmp_path, *clips, "--at", "first", methods="hold,flow,flow-previous")
    tables = (output / "tables.md").read_text()
    assert "## Table 1" in tables and "## Table 2" not in tables
    (row,) = [line for line in tables.splitlines() if line.startswith("| keyframe held | –")]
    values = [cell.strip("* ") for cell in row.split("|")[2:-1]]
    assert [value == "–" for value in values] == [True, False, False, True, True] * 2
    assert all(f"- {metric} is not measured: put" in tables for metric in ("LPIPS", "FID", "FVD"))
    results = json.loads((output / "results.json").read_text())
    assert [clip["settings"]["keyframes"] for clip in results["clips"]] == [[1], [1]]
    psnr = results["clips"][0]["methods"]["hold"]["curves"]["psnr"]
    assert len(psnr) == DRAWINGS * HOLD and psnr[:2] == [None, None] and psnr[2] == psnr[3] > 5
    for name in ("sheet-walk.png", "sheet-run.png"):
        assert (output / name).read_bytes().startswith(b"\x89PNG")


def test_a_second_run_measures_only_what_is_new(tmp_path, clips, colored):
    evaluate(tmp_path, clips[0])
    assert colored == ["hold"]
    output = evaluate(tmp_path, *clips)
    assert colored == ["hold"] * 2  # that of the second clip
    whole = (output / "results.json").read_bytes()
    evaluate(tmp_path, *clips)
    assert len(colored) == 2 and (output / "results.json").read_bytes() == whole


def test_results_of_an_earlier_version_are_measured_anew(tmp_path, clips, colored):
    stored = evaluate(tmp_path, clips[0]) / "clips" / "walk.json"
    result = json.loads(stored.read_text())
    del result["methods"]["hold"]["segments"]
    stored.write_text(json.dumps(result))
    evaluate(tmp_path, clips[0])
    assert colored == ["hold"] * 2 and "segments" in stored.read_text()


def test_other_settings_or_a_changed_clip_are_measured_anew(tmp_path, clips, colored):
    evaluate(tmp_path, clips[0])
    evaluate(tmp_path, clips[0], "--at", "5")
    assert colored == ["hold"] * 2
    evaluate(tmp_path, clips[0], "--at", "5", methods="hold,flow")
    assert colored == ["hold", "hold", "hold", "flow"]
    painting = clips[0] / "color" / "0009.png"
    painting.write_bytes((clips[0] / "color" / "0001.png").read_bytes())
    evaluate(tmp_path, clips[0], "--at", "5")
    assert len(colored) == 5
    evaluate(tmp_path, clips[0], "--at", "5,last")
    assert len(colored) == 6


def test_what_cannot_be_used_ends_with_a_sentence(tmp_path, clips, capsys):
    assert cli.run(arguments(str(clips[0]), "--at", "99")) == 2
    assert "from 1 to 18" in capsys.readouterr().err
    everything = ",".join(map(str, range(1, 19)))
    assert cli.run(arguments(str(clips[0]), "--at", everything)) == 2
    assert "no drawing besides" in capsys.readouterr().err
    twin = write_clip(tmp_path / "elsewhere" / "walk", 23)
    assert cli.run(arguments(str(clips[0]), str(twin), "--output", str(tmp_path / "out"))) == 2
    assert "called walk" in capsys.readouterr().err
    assert cli.run(arguments(str(clips[0]), "--methods", "ours,theirs")) == 2
    assert "no method 'theirs'" in capsys.readouterr().err


def test_keyframes_are_named_or_numbered(clips):
    assert find_keyframes(clips[0], "middle") == (10,) and find_keyframes(clips[0], "first") == (1,)
    assert find_keyframes(clips[0], "last, 0004,first,18") == (18, 4, 1)
    for places in ("0", "first,", "4;5", "-1"):
        with pytest.raises(FolderError, match="separated by commas"):
            find_keyframes(clips[0], places)


def test_several_keyframes_are_used_left_out_and_marked(tmp_path, clips):
    output = evaluate(tmp_path, clips[0], "--at", "first,last,2", methods="hold,ceiling")
    (clip,) = json.loads((output / "results.json").read_text())["clips"]
    assert clip["settings"]["keyframes"] == [1, 18, 2]
    psnr = clip["methods"]["hold"]["curves"]["psnr"]
    assert [place for place, value in enumerate(psnr) if value is None] == [0, 1, 16, 17]
    assert "3 painted keyframes each" in (output / "tables.md").read_text()


def measured(clip: Clip, sources, frames=None, guesses=None) -> Measures:
    colored = ColoredClip(frames or clip.truth, guesses)
    return ClipTruth(clip, load_perceptual_metrics(Path("none"))).measure(colored, sources, 0.0)[0]


def test_a_drawing_has_moved_against_the_nearest_painted_one():
    fields = [picture_with_a_box(at) for at in (10, 10, 50, 50)]
    drawings, truth = zip(*fields, strict=True)
    clip = Clip((1, 2, 3, 4), Exposure(1, (0, 1, 2, 3)), drawings, truth)
    assert measured(clip, from_keyframes(4, [0])).color.moved_share == pytest.approx(2 / 3 * 2 * BOX)
    assert measured(clip, from_keyframes(4, [0, 3])).color.moved_share == 0
    assert measured(clip, from_keyframes(4, [0, 2])).areas is None  # nothing has moved
    assert measured(clip, from_neighbors(4)).color.moved_share == pytest.approx(1 / 4 * 2 * BOX)
    assert measured(clip, from_neighbors(4)).curves["psnr"] == [60] * 4  # all of them count


def test_segments_borders_and_guesses_reach_the_tables(tmp_path, clips):
    clip = read_clip(clips[0] / "lineart", clips[0] / "color")
    wrong = [frame ^ 128 for frame in clip.truth]  # no color is near its own
    sources = from_keyframes(DRAWINGS, [0])
    bad, good = measured(clip, sources, wrong, {}), measured(clip, sources)
    assert good.segments == SegmentShares(1, 1, 1) and good.borders == 0 and good.guesses is None
    assert bad.segments == SegmentShares(0, 0, 0) and bad.guesses.wrong == bad.guesses.regions > 10
    settings = Settings("tiny", "", "", 0, (1,), ("ours", "hold"), ())
    bad = replace(bad, borders=0.25, guesses=GuessCounts(9, 4, 6, 3))
    bad = replace(bad, segments=SegmentShares(0.125, 0.25, 0.75))
    result = ClipResult("walk", settings, clip.exposure.drawing_of, {"ours": bad, "hold": good})
    done = [(result, {"truth": {}, "ours": {}, "hold": {}})]
    tables = markdown([result], {method: summarize(done, method) for method in ("ours", "hold")}, {}, "")
    assert "| ours | 12.5% | 25.0% | 75.0% | 0.250 | 75.0% | 50.0% |" in tables
    assert "| keyframe held | 100.0% | 100.0% | 100.0% | 0.000 | – | – |" in tables
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(cli.parts_table([result]))
    cells = [line.replace("│", " ").split() for line in console.export_text().splitlines()]
    assert ["walk", "ours", "12.5%", "25.0%", "75.0%", "0.250", "75.0%", "50.0%"] in cells
    values = cli.report([result, result])["all"]["ours"]
    assert values["segments"]["large"] == 0.25 and values["borders"] == 0.25 and values["guesses"]["wrong"] == 12


def test_tables_of_many_clips_say_how_sure_they_are(clips):
    clip = read_clip(clips[0] / "lineart", clips[0] / "color")
    sources = from_keyframes(DRAWINGS, [0])
    good, bad = measured(clip, sources), measured(clip, sources, [frame ^ 128 for frame in clip.truth])
    settings = Settings("tiny", "", "", 0, (1,), ("ours", "hold"), ())
    result = ClipResult("walk", settings, clip.exposure.drawing_of, {"ours": good, "hold": bad})
    for count, is_sure in ((FEWEST_CLIPS - 1, False), (FEWEST_CLIPS, True)):
        done = [(result, {"truth": {}, "ours": {}, "hold": {}})] * count
        tables = markdown([result] * count, {name: summarize(done, name) for name in ("ours", "hold")}, {}, "")
        assert ("## Confidence" in tables) == is_sure
    assert "| ours | 60.000 (60.000 to 60.000) | 1.000 (1.000 to 1.000) |" in tables
    assert "| gain of *ours* over *keyframe held* |" in tables


class _Mean(torch.nn.Module):
    """A network of any metric: the mean color."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((-2, -1))


def test_features_give_fid_and_fvd_and_survive_the_disk(tmp_path, clips):
    mean = _Mean()
    metrics = PerceptualMetrics(inception=mean, i3d=lambda video: mean(video).mean(0))  # type: ignore[arg-type]
    done = []
    for path in clips:
        clip = read_clip(path / "lineart", path / "color")
        ruler, sources = ClipTruth(clip, metrics), from_keyframes(DRAWINGS, [0])
        measures, features = ruler.measure(ColoredClip(clip.truth), sources, 0.0)
        assert measures.color.mean_de == 0 and measures.areas == 1 and measures.flicker == 0
        wrong, wrong_features = ruler.measure(ColoredClip([255 - frame for frame in clip.truth], {}), sources, 0.0)
        settings = Settings("tiny", "", "", 0, (1,), ("ours", "hold"), metrics.titles)
        result = ClipResult(str(path), settings, clip.exposure.drawing_of, {"ours": measures, "hold": wrong})
        store = ResultFolder(tmp_path / "clips")
        store.save(path.name, result, {"truth": ruler.truth_features(), "ours": features, "hold": wrong_features})
        done.append(store.load(path.name, settings))
        assert done[-1][0] == result
    ours, wrong = (summarize(done, method) for method in ("ours", "hold"))
    for term in (ours.short, ours.long):
        assert term.fid == pytest.approx(0, abs=1e-6) and term.fvd == pytest.approx(0, abs=1e-6)
        assert term.lpips is None
    assert wrong.long.fid > 0.001 and wrong.long.fvd > 0.001
    assert "FVD needs" not in markdown([each[0] for each in done], {"ours": ours}, {}, "")
    alone = summarize(done[:1], "ours")
    assert alone.long.fid is not None and alone.long.fvd is None
    assert "FVD needs at least two clips" in markdown([done[0][0]], {"ours": alone}, {}, "")


def test_an_ablation_that_was_not_run_is_a_dash(clips):
    clip = read_clip(clips[0] / "lineart", clips[0] / "color")
    measures = measured(clip, from_keyframes(DRAWINGS, [0]))
    settings = Settings("tiny", "", "", 0, (1,), ("dglm",), ())
    result = ClipResult("walk", settings, clip.exposure.drawing_of, {"dglm": measures})
    tables = markdown([result], {"dglm": summarize([(result, {"truth": {}, "dglm": {}})], "dglm")}, {}, "")
    assert "| 3 | 0 + DGLM | – | 1.000 | 60.00 | – |" in tables
    assert "| 0 | SketchDiT | – | – | – | – |" in tables and "| 4 | 3 + CCR | – | – | – | – |" in tables
    assert "| fusion from t_st = 20 | – | 1.000 | 60.00 | – |" in tables
