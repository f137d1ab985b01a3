# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures of a method's frames on a clip. A held drawing is measured once and counts once per frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from server.coloring.line_art.compositing import fill_under_lines
from server.evaluation.clip import Clip
from server.evaluation.color_areas import moved_areas
from server.evaluation.flicker import flicker, lasting_areas
from server.evaluation.frequency import band_psnr
from server.evaluation.image_quality import SHORT_TERM, at_protocol_size, psnr, ssim
from server.evaluation.metrics import ColorError, color_error, pool
from server.evaluation.perceptual import PerceptualMetrics

Curve = list[float | None]
"""A value for each frame of the clip; None where the frame shows the keyframe's drawing, whose colors are given."""

Features = dict[str, np.ndarray]
"""The features that FID and FVD compare: `image` [D, 2048], a row for each drawing; `short` and `long` [400], of the
first 14 frames and of the whole clip. Features that cannot be computed are left out."""


@dataclass(frozen=True)
class Measures:
    """The quality of a method's frames on a clip.

    color: over all frames but those of the keyframe's drawing; areas: the share of moved areas that are right, see
    `color_areas.MovedAreas`, over all drawings, None when none moved; flicker: see `flicker.flicker`; curves: by frame
    `psnr`, `ssim`, `psnr_low`, `psnr_high` and, unless refused, `lpips`; seconds: the time that the coloring took.
    """

    color: ColorError
    areas: float | None
    flicker: float | None
    curves: dict[str, Curve]
    seconds: float


class ClipTruth:
    """The true frames of a clip, prepared once to measure the results of all methods.

    clip: with its true frames; at: the keyframe's drawing, whose frames count only within videos (FVD, flicker).
    """

    def __init__(self, clip: Clip, at: int, metrics: PerceptualMetrics) -> None:
        self.clip = clip
        self.at = at
        self.metrics = metrics
        self._small = [at_protocol_size(frame) for frame in clip.truth]
        self._keyframe_truth = fill_under_lines(clip.drawings[at], clip.truth[at])
        drawings, truth = clip.drawings, clip.truth
        self._lasting = [
            lasting_areas(truth[index], truth[index + 1], drawings[index], drawings[index + 1])
            for index in range(len(drawings) - 1)
        ]
        self._moved = {
            index: moved_areas(truth[index], drawings[index], self._keyframe_truth)
            for index in range(len(drawings))
            if index != at
        }

    def truth_features(self) -> Features:
        """The features of the true frames."""
        return self._features(self._small)

    def measure(self, frames: Sequence[np.ndarray], seconds: float) -> tuple[Measures, Features]:
        """Measure finished frames, RGB uint8 [H, W, 3], one for each drawing; seconds: the time that coloring took."""
        small = [at_protocol_size(frame) for frame in frames]
        values: dict[str, list[float]] = {"psnr": [], "ssim": [], "psnr_low": [], "psnr_high": []}
        for result, truth in zip(small, self._small, strict=True):
            values["psnr"].append(psnr(result, truth))
            values["ssim"].append(ssim(result, truth))
            low, high = band_psnr(result, truth)
            values["psnr_low"].append(low)
            values["psnr_high"].append(high)
        distances = self.metrics.distances(small, self._small)
        if distances is not None:
            values["lpips"] = distances.tolist()
        curves = {name: self._by_frame(each) for name, each in values.items()}
        color, areas = self._color(frames), self._areas(frames)
        return Measures(color, areas, flicker(self._lasting, frames), curves, seconds), self._features(small)

    def _color(self, frames: Sequence[np.ndarray]) -> ColorError:
        errors: list[ColorError | None] = []
        for index, (frame, count) in enumerate(zip(frames, self.clip.holds, strict=True)):
            if index != self.at:
                error = color_error(frame, self.clip.truth[index], self.clip.drawings[index], self._keyframe_truth)
                errors += [error] * count
        return pool(errors)

    def _areas(self, frames: Sequence[np.ndarray]) -> float | None:
        moved = sum(areas.count for areas in self._moved.values())
        right = sum(areas.right(frames[index]) for index, areas in self._moved.items())
        return right / moved if moved else None

    def _by_frame(self, values: Sequence[float]) -> Curve:
        return [None if drawing == self.at else values[drawing] for drawing in self.clip.exposure.drawing_of]

    def _features(self, small: Sequence[np.ndarray]) -> Features:
        shown = [small[drawing] for drawing in self.clip.exposure.drawing_of]
        features = {
            "image": self.metrics.image_features(small),
            "short": self.metrics.video_features(shown[:SHORT_TERM]),
            "long": self.metrics.video_features(shown),
        }
        return {name: values for name, values in features.items() if values is not None}
