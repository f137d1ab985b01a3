# SPDX-License-Identifier: GPL-3.0-or-later
"""One number for each method and metric, over all clips."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from server.evaluation.frechet import frechet_distance
from server.evaluation.frequency import decay
from server.evaluation.guesses import GuessCounts, add_up
from server.evaluation.image_quality import SHORT_TERM
from server.evaluation.measures import Measures
from server.evaluation.metrics import ColorError, mean, pool
from server.evaluation.results import ClipFeatures, ClipResult
from server.evaluation.segments import SegmentShares, mean_shares

Evaluated = Sequence[tuple[ClipResult, ClipFeatures]]
"""All clips, each measured with the same methods."""


@dataclass(frozen=True)
class Scores:
    """The paper's metrics (§4.1) over some frames of every clip. LPIPS, SSIM and PSNR are means over clips of means
    over frames. FID pools all frames, and FVD pools all clips. A metric is None if it was refused, or needs more clips
    or frames."""

    lpips: float | None
    ssim: float | None
    psnr: float | None
    fvd: float | None
    fid: float | None


@dataclass(frozen=True)
class Summary:
    """A method over all clips.

    short, long: the first 14 frames and whole clips; color: pooled over pixels; areas, segments, borders, flicker: mean
    over clips; guesses: over all clips together, None if the method lists none;
    psnr_low, psnr_high, decay_low, decay_high: mean PSNR in dB by frequency band, and its decay in % compared with the
    first 14 frames, None if a clip has no more frames than that; seconds: the total time of the coloring.
    """

    short: Scores
    long: Scores
    color: ColorError
    areas: float | None
    segments: SegmentShares
    borders: float | None
    guesses: GuessCounts | None
    flicker: float | None
    psnr_low: float | None
    psnr_high: float | None
    decay_low: float | None
    decay_high: float | None
    seconds: float


def summarize(clips: Evaluated, method: str) -> Summary:
    """Summarize a method over all clips."""
    measures = [result.methods[method] for result, _ in clips]
    return Summary(
        short=_scores(clips, method, "short"),
        long=_scores(clips, method, "long"),
        color=pool(each.color for each in measures),
        areas=mean([each.areas for each in measures]),
        segments=mean_shares([each.segments for each in measures]),
        borders=mean([each.borders for each in measures]),
        guesses=all_guesses(measures),
        flicker=mean([each.flicker for each in measures]),
        psnr_low=mean([mean(each.curves["psnr_low"]) for each in measures]),
        psnr_high=mean([mean(each.curves["psnr_high"]) for each in measures]),
        decay_low=mean([_decay(each, "psnr_low") for each in measures]),
        decay_high=mean([_decay(each, "psnr_high") for each in measures]),
        seconds=sum(each.seconds for each in measures),
    )


def all_guesses(measures: Sequence[Measures]) -> GuessCounts | None:
    """The guesses of a method on several clips, None if it lists none."""
    listed = [each.guesses for each in measures if each.guesses]
    return add_up(listed) if listed else None


def curve(measures: Measures, name: str) -> np.ndarray:
    """A curve by frame [F], NaN where the frame does not count."""
    return np.array(measures.curves[name], float)


def _scores(clips: Evaluated, method: str, term: str) -> Scores:
    frames = SHORT_TERM if term == "short" else None
    means = {
        name: mean([mean(result.methods[method].curves.get(name, [])[:frames]) for result, _ in clips])
        for name in ("lpips", "ssim", "psnr")
    }
    videos = [[features[side].get(term) for _, features in clips] for side in (method, "truth")]
    images = [
        [
            _shown(result, method, features[side]["image"], frames)
            for result, features in clips
            if "image" in features[side]
        ]
        for side in (method, "truth")
    ]
    return Scores(
        **means,
        fvd=_distance(*(np.array([video for video in side if video is not None]) for side in videos)),
        fid=_distance(*(np.concatenate(side) if side else np.empty((0, 0)) for side in images)),
    )


def _shown(result: ClipResult, method: str, features: np.ndarray, frames: int | None) -> np.ndarray:
    """The features of the frames that count. Those of a held drawing are repeated for each of its frames."""
    counts = zip(result.drawing_of[:frames], result.methods[method].curves["psnr"], strict=False)
    return features[[drawing for drawing, value in counts if value is not None]]


def _distance(a: np.ndarray, b: np.ndarray) -> float | None:
    return frechet_distance(a, b) if min(len(a), len(b)) > 1 else None


def _decay(measures: Measures, name: str) -> float | None:
    return mean(decay(curve(measures, name))[SHORT_TERM:].tolist())
