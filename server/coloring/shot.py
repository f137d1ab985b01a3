# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot, decoded and ready to be colored, and the results of coloring."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np

from server.coloring.line_art.drawing import Drawing
from server.coloring.line_art.model_sheet import ModelSheet
from server.coloring.line_art.traces import fill_darker
from shared.manifest import SMALLEST_REGION, Background, Finish, Quality
from shared.traces import TraceFill


class Drawings(Sequence[np.ndarray]):
    """The line art or the inks of a shot, one an item, read on access, so that a long shot need not fit into memory.

    sources: paths or addresses, which `read` turns into items.
    """

    def __init__(self, sources: Sequence[Any], read: Callable[[Any], np.ndarray]) -> None:
        self._sources = sources
        self._read = read

    def __len__(self) -> int:
        return len(self._sources)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> "Drawings": ...
    def __getitem__(self, index: "int | slice") -> "np.ndarray | Drawings":
        if isinstance(index, slice):
            return Drawings(self._sources[index], self._read)
        return self._read(self._sources[index])


def open_drawings(sources: Sequence[Any], read: Callable[[Any], Drawing]) -> tuple[Drawings, Drawings]:
    """Return the line art and the inks of drawings, see `Drawing`. The last few that are read are kept."""
    kept = functools.lru_cache(maxsize=4)(read)
    return Drawings(sources, lambda source: kept(source).line_art), Drawings(sources, lambda source: kept(source).ink)


@dataclass(frozen=True)
class Shot:
    """What the coloring needs to know about a shot. It knows distinct drawings in story order, not frames.

    drawings: line art, uint8 [H, W], 0 is line and 255 is paper. A lazy sequence may decode on access.
    inks: the lines as they are laid over the colors, see `Drawing.ink`; empty if all lines are black.
    keyframes: painted images by drawing index, uint8 RGB [H, W, 3] or straight RGBA [H, W, 4], all alike, in the order
        in which work proceeds from them. Raises ValueError if there are none. What is transparent or translucent in
        them is so in all frames, if the background is kept. If it is generated, the model paints what is behind, and a
        preset without votes then shows the model's own picture everywhere.
    corrections: for each keyframe, the number of the correction that adds it, see `shared.manifest.Keyframe`; empty if
        all are there from the first.
    sheets: model sheets.
    holds: for how many frames each drawing is held when it is first shown; empty if that is not known.
    prompt, seed, finish, quality, background, palette, trace_fill, gap, smallest_region: as in
        `shared.manifest.ShotManifest`.
    """

    drawings: Sequence[np.ndarray]
    keyframes: Mapping[int, np.ndarray]
    prompt: str = ""
    seed: int = 0
    finish: Finish = "flats"
    quality: Quality = "auto"
    background: Background = "kept"
    holds: Sequence[int] = ()
    inks: Sequence[np.ndarray] = ()
    corrections: Sequence[int] = ()
    sheets: Sequence[ModelSheet] = ()
    palette: Sequence[str] = ()
    trace_fill: TraceFill = "sides"
    gap: float = 0.0
    smallest_region: int = SMALLEST_REGION

    def __post_init__(self) -> None:
        ordered, count = sorted(self.keyframes), len(self.drawings)
        if not ordered or ordered[0] < 0 or ordered[-1] >= count:
            raise ValueError(f"Keyframes {ordered} must lie among the {count} drawings, and there must be one.")

    def ink(self, drawing: int) -> np.ndarray:
        """Return the lines of a drawing as `lay_lines` takes them."""
        return (self.inks or self.drawings)[drawing]

    def fill_traces(self, drawing: int, color: np.ndarray) -> np.ndarray:
        """Return the colors of a drawing, uint8 [H, W, 3 or 4], with those of its color-trace lines."""
        return color if self.trace_fill == "sides" else fill_darker(color, self.drawings[drawing], self.ink(drawing))

    def until(self, correction: int) -> "Shot":
        """Return the shot as it was before later corrections."""
        count = sum(number <= correction for number in self.corrections or [0] * len(self.keyframes))
        known = dict(list(self.keyframes.items())[:count])
        return replace(self, keyframes=known, corrections=self.corrections[:count])

    @functools.cached_property
    def is_translucent(self) -> bool:
        """Whether a keyframe is not opaque everywhere."""
        return any(image.shape[2] == 4 and image[..., 3].min() < 255 for image in self.keyframes.values())

    @property
    def is_generated(self) -> bool:
        """Whether the model paints what keyframes leave transparent. Without a model this is false."""
        return self.background == "generated" and self.quality != "preview" and self.is_translucent


@dataclass(frozen=True)
class Guess:
    """A region that may have the wrong color.

    color, runner_up: its color and the second most likely one, as `#rrggbb`, `#rrggbbaa` if it is translucent, or
        `#ffffff00` for nothing.
    margin: the share of the votes by which the color won. share: of the frame's area. box: left, top, width and height
        in pixels.
    """

    color: str
    runner_up: str
    margin: float
    share: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class SegmentResult:
    """A finished segment.

    frames: finished RGB uint8 [H, W, 3] by drawing, with line art on top; straight RGBA [H, W, 4] if the shot is
        transparent or translucent in places.
    state: data that later segments need, as bytes.
    guesses: by drawing, the largest first; drawings without any are left out.
    note: what the animator should know about how it was colored; empty for nothing.
    """

    frames: dict[int, np.ndarray]
    state: bytes
    guesses: dict[int, list[Guess]] = field(default_factory=dict)
    note: str = ""
