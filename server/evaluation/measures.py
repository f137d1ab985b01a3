# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures of a method's frames on a clip. A held drawing is measured once and counts once per frame."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from server.coloring.line_art.compositing import fill_under_lines
from server.evaluation.borders import free_places, meeting_colors, unexplained_borders
from server.evaluation.clip import Clip
from server.evaluation.color_areas import MovedAreas, moved_areas
from server.evaluation.colored_clip import ColoredClip
from server.evaluation.flicker import flicker, lasting_areas
from server.evaluation.frequency import band_psnr
from server.evaluation.guesses import GuessCounts, add_up, count_guesses
from server.evaluation.image_quality import SHORT_TERM, at_protocol_size, psnr, ssim
from server.evaluation.metrics import ColorError, color_error, pool, right_pixels
from server.evaluation.perceptual import PerceptualMetrics
from server.evaluation.segments import SegmentShares, find_segments, mean_shares, segment_shares
from server.evaluation.sources import Sources

Curve = list[float | None]
"""A value for each frame of the clip; None where the frame shows a painted drawing, whose colors are given."""

Counted = Mapping[int, tuple[int, ...]]
"""The drawings that count, with what each is colored from: see `Sources`."""

Features = dict[str, np.ndarray]
"""The features that FID and FVD compare: `image` [D, 2048], a row for each drawing; `short` and `long` [400], of the
first 14 frames and of the whole clip. Features that cannot be computed are left out."""


@dataclass(frozen=True)
class Measures:
    """The quality of a method's frames on a clip. Painted drawings count only within videos (FVD, flicker).

    color: over all frames; areas: the share of moved areas that are right, see `color_areas.MovedAreas`, over all
    drawings, None when none moved; segments: the mean shares of the drawings; borders: the mean length of unexplained
    borders of a frame, in picture heights; guesses: over all drawings, None if the method lists none; flicker: see
    `flicker.flicker`; curves: by frame `psnr`, `ssim`, `psnr_low`, `psnr_high` and, unless refused, `lpips`; seconds:
    the time that the coloring took.
    """

    color: ColorError
    areas: float | None
    segments: SegmentShares
    borders: float
    guesses: GuessCounts | None
    flicker: float | None
    curves: dict[str, Curve]
    seconds: float


class ClipTruth:
    """The true frames of a clip, prepared once to measure the results of all methods."""

    def __init__(self, clip: Clip, metrics: PerceptualMetrics) -> None:
        self.clip = clip
        self.metrics = metrics
        self._small = [at_protocol_size(frame) for frame in clip.truth]
        drawings, truth = clip.drawings, clip.truth
        self._lasting = [
            lasting_areas(truth[index], truth[index + 1], drawings[index], drawings[index + 1])
            for index in range(len(drawings) - 1)
        ]
        self._segments = functools.cache(lambda drawing: find_segments(drawings[drawing]))
        self._filled = functools.lru_cache(maxsize=8)(lambda at: fill_under_lines(drawings[at], truth[at]))
        self._free = functools.cache(lambda drawing: free_places(truth[drawing], drawings[drawing]))
        self._meetings = functools.cache(lambda at: meeting_colors(truth[at], drawings[at]))
        self._moved = functools.cache(self._find_moved)

    def truth_features(self) -> Features:
        """The features of the true frames."""
        return self._features(self._small)

    def measure(self, colored: ColoredClip, sources: Sources, seconds: float) -> tuple[Measures, Features]:
        """Measure a colored clip. sources: what each drawing was colored from. It has moved against the nearest of
        these. seconds: the time that the coloring took."""
        frames = colored.frames
        counted = {drawing: painted for drawing, painted in enumerate(sources) if painted}
        right = {
            drawing: right_pixels(frames[drawing], self.clip.truth[drawing], self.clip.drawings[drawing])
            for drawing in counted
        }
        small = [at_protocol_size(frame) for frame in frames]
        measures = Measures(
            color=self._color(frames, counted),
            areas=self._areas(frames, counted),
            segments=mean_shares([segment_shares(self._segments(drawing), right[drawing]) for drawing in counted]),
            borders=self._borders(frames, counted),
            guesses=self._guesses(colored, right),
            flicker=flicker(self._lasting, frames),
            curves=self._curves(small, counted),
            seconds=seconds,
        )
        return measures, self._features(small)

    def _color(self, frames: Sequence[np.ndarray], counted: Counted) -> ColorError:
        errors: list[ColorError | None] = []
        for drawing, painted in counted.items():
            truth, line_art = self.clip.truth[drawing], self.clip.drawings[drawing]
            error = color_error(frames[drawing], truth, line_art, self._filled(painted[0]))
            errors += [error] * self.clip.holds[drawing]
        return pool(errors)

    def _areas(self, frames: Sequence[np.ndarray], counted: Counted) -> float | None:
        areas = {drawing: self._moved(drawing, painted[0]) for drawing, painted in counted.items()}
        moved = sum(each.count for each in areas.values())
        right = sum(each.right(frames[drawing]) for drawing, each in areas.items())
        return right / moved if moved else None

    def _find_moved(self, drawing: int, painted: int) -> MovedAreas:
        return moved_areas(self.clip.truth[drawing], self.clip.drawings[drawing], self._filled(painted))

    def _borders(self, frames: Sequence[np.ndarray], counted: Counted) -> float:
        lengths = [
            unexplained_borders(frames[drawing], self._free(drawing), [self._meetings(at) for at in painted])
            for drawing, painted in counted.items()
        ]
        return float(np.average(lengths, weights=[self.clip.holds[drawing] for drawing in counted]))

    def _guesses(self, colored: ColoredClip, right: Mapping[int, np.ndarray]) -> GuessCounts | None:
        if colored.guesses is None:
            return None
        return add_up(
            count_guesses(colored.guesses.get(drawing, ()), self._segments(drawing), colored.frames[drawing], where)
            for drawing, where in right.items()
        )

    def _curves(self, small: Sequence[np.ndarray], counted: Counted) -> dict[str, Curve]:
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
        shown = self.clip.exposure.drawing_of
        return {
            name: [each[drawing] if drawing in counted else None for drawing in shown] for name, each in values.items()
        }

    def _features(self, small: Sequence[np.ndarray]) -> Features:
        shown = [small[drawing] for drawing in self.clip.exposure.drawing_of]
        features = {
            "image": self.metrics.image_features(small),
            "short": self.metrics.video_features(shown[:SHORT_TERM]),
            "long": self.metrics.video_features(shown),
        }
        return {name: values for name, values in features.items() if values is not None}
