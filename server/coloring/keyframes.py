# SPDX-License-Identifier: GPL-3.0-or-later
"""The painted keyframes of a shot: their palette, and the palette entry of every pixel."""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from server.coloring.line_art.compositing import fill_under_lines
from server.coloring.line_art.model_sheet import ModelSheet

from .meetings import extend_meetings, find_gradients, find_meetings
from .palette import appearance, distinct_colors, extract_palette
from .shot import Shot
from .tones import PaintedShape, painted_shapes


class Keyframes:
    """The keyframes of a shot.

    line_art: gives the line art uint8 [H, W] of a drawing. palette: of all keyframes, and then of the shot's model
    sheets.
    """

    def __init__(self, shot: Shot, line_art: Callable[[int], np.ndarray]) -> None:
        self._line_art = line_art
        self._drawings = list(shot.keyframes)
        self._paintings = [
            np.where(painting[..., 3:] > 0, painting, np.uint8(0)) if shot.is_translucent else painting[..., :3]
            for painting in shot.keyframes.values()
        ]
        self._sheets = shot.sheets
        self.palette = extract_palette(
            [*self._paintings, *(sheet.on(_most_frequent(self._paintings[0])) for sheet in shot.sheets)],
            [*(line_art(drawing) for drawing in self), *(sheet.line_art for sheet in shot.sheets)],
            own=shot.palette,
        )

    def __contains__(self, drawing: int) -> bool:
        return drawing in self._drawings

    def __iter__(self) -> Iterator[int]:
        return iter(self._drawings)

    @property
    def note(self) -> str:
        """What the animator should know about the palette; empty for nothing."""
        count = self.palette.left_out
        if not count:
            return ""
        return (
            f"The keyframes have {len(self.palette.visible) + count} colors, and {len(self.palette.visible)} are kept. "
            "The rarest ones become the nearest of these."
        )

    def color_name(self, entry: int) -> str:
        """The color of a palette entry as `#rrggbb`, `#rrggbbaa` if it is translucent, or `#ffffff00` for nothing."""
        red, green, blue, alpha = (*self.palette.colors[entry].tolist(), 255)[:4]
        if alpha == 0:
            return "#ffffff00"
        return "#" + bytes([red, green, blue] if alpha == 255 else [red, green, blue, alpha]).hex()

    def labels(self, keyframe: int) -> np.ndarray:
        """The palette entries uint16 [H, W] of a keyframe."""
        return self.palette.labels[self._drawings.index(keyframe)]

    @property
    def sheets(self) -> list[tuple[ModelSheet, np.ndarray]]:
        """The model sheets, and the palette entries uint16 [h, w] of each."""
        return list(zip(self._sheets, self.palette.labels[len(self._drawings) :], strict=True))

    @functools.cache  # noqa: B019 - lives as long as the coloring itself
    def shapes(self, keyframe: int) -> list[PaintedShape]:
        """The closed regions of a keyframe that have tones; see `tones.painted_shapes`."""
        return painted_shapes(self._line_art(keyframe), self.labels(keyframe))

    @functools.cached_property
    def meetings(self) -> np.ndarray:
        """Which palette entries may meet without a line between them, bool [N, N]: those that do in any keyframe or
        model sheet, and those that look like them."""
        colors = self.palette.colors
        meetings = np.zeros((len(colors), len(colors)), bool)
        for keyframe in self:
            meetings |= find_meetings(self._line_art(keyframe), self.labels(keyframe), len(colors))
        for sheet, entries in self.sheets:
            meetings |= find_meetings(np.where(sheet.shown, sheet.line_art, np.uint8(0)), entries, len(colors))
        return extend_meetings(meetings, appearance(colors))

    @functools.cached_property
    def gradients(self) -> np.ndarray:
        """The gradient of each palette entry, int64 [N], see `meetings.find_gradients`."""
        return find_gradients(self.meetings, appearance(self.palette.colors))

    @functools.lru_cache(maxsize=2)  # noqa: B019 - lives as long as the coloring itself
    def painting(self, keyframe: int) -> np.ndarray:
        """A keyframe's colors without its lines, uint8 [H, W, 3], or straight RGBA [H, W, 4] if any keyframe is not
        opaque everywhere."""
        return fill_under_lines(self._line_art(keyframe), self._paintings[self._drawings.index(keyframe)])


def _most_frequent(painting: np.ndarray) -> np.ndarray:
    """Return the most frequent color of a painting uint8 [H, W, 3 or 4]. As a ground, it adds none to the palette."""
    colors, counts, _ = distinct_colors(painting.reshape(-1, painting.shape[2]))
    return colors[counts.argmax()]
