# SPDX-License-Identifier: GPL-3.0-or-later
"""The painted keyframes of a shot: their palette, and the palette entry of every pixel."""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from server.coloring.line_art.compositing import fill_under_lines

from .meetings import extend_meetings, find_meetings
from .palette import appearance, extract_palette
from .shot import Shot


class Keyframes:
    """The keyframes of a shot.

    line_art: gives the line art uint8 [H, W] of a drawing. palette: of all keyframes.
    """

    def __init__(self, shot: Shot, line_art: Callable[[int], np.ndarray]) -> None:
        self._line_art = line_art
        self._drawings = list(shot.keyframes)
        self._paintings = [
            np.where(painting[..., 3:] > 0, painting, np.uint8(0)) if shot.is_translucent else painting[..., :3]
            for painting in shot.keyframes.values()
        ]
        self.palette = extract_palette(self._paintings, [line_art(drawing) for drawing in self], own=shot.palette)

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

    @functools.cached_property
    def meetings(self) -> np.ndarray:
        """Which palette entries may meet without a line between them, bool [N, N]: those that do in any keyframe, and
        those that look like them."""
        colors = self.palette.colors
        meetings = np.zeros((len(colors), len(colors)), bool)
        for keyframe in self:
            meetings |= find_meetings(self._line_art(keyframe), self.labels(keyframe), len(colors))
        return extend_meetings(meetings, appearance(colors))

    @functools.lru_cache(maxsize=2)  # noqa: B019 - lives as long as the coloring itself
    def painting(self, keyframe: int) -> np.ndarray:
        """A keyframe's colors without its lines, uint8 [H, W, 3], or straight RGBA [H, W, 4] if any keyframe is not
        opaque everywhere."""
        return fill_under_lines(self._line_art(keyframe), self._paintings[self._drawings.index(keyframe)])
