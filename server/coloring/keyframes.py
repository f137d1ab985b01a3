# SPDX-License-Identifier: GPL-3.0-or-later
"""The painted keyframes of a shot: their palette, and the palette entry of every pixel."""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from server.coloring.line_art.compositing import fill_under_lines

from .fill import make_transparent
from .palette import Palette, extract_palette
from .shot import Shot


class Keyframes:
    """The keyframes of a shot.

    line_art: gives the line art uint8 [H, W] of a drawing.
    palette: of all keyframes. If a background is generated, one more entry, white, stands for what the masks cover.
    """

    def __init__(self, shot: Shot, line_art: Callable[[int], np.ndarray]) -> None:
        self._shot = shot
        self._line_art = line_art
        self._drawings = list(shot.keyframes)
        self.palette = self._read_palette()

    def __contains__(self, drawing: int) -> bool:
        return drawing in self._drawings

    def __iter__(self) -> Iterator[int]:
        return iter(self._drawings)

    @property
    def masked_entry(self) -> int:
        """The palette entry of the masked areas. It is meaningless if there are no masks."""
        return len(self.palette.colors) - 1

    @property
    def note(self) -> str:
        """What the animator should know about the palette; empty for nothing."""
        count = self.palette.left_out
        if not count:
            return ""
        return (
            f"The keyframes have {len(self.palette.opaque) + count} colors, and {len(self.palette.opaque)} are kept. "
            "The rarest ones become the nearest of these."
        )

    def color_name(self, entry: int) -> str:
        """The color of a palette entry as `#rrggbb`, or `#ffffff00` for transparent."""
        opaque = self.palette.opaque
        return "#" + bytes(opaque[entry]).hex() if entry < len(opaque) else "#ffffff00"

    def labels(self, keyframe: int) -> np.ndarray:
        """The palette entries uint16 [H, W] of a keyframe."""
        return self.palette.labels[self._drawings.index(keyframe)]

    @functools.lru_cache(maxsize=2)  # noqa: B019 - lives as long as the coloring itself
    def painting(self, keyframe: int) -> np.ndarray:
        """A keyframe's colors without its lines, uint8 [H, W, 3], or RGBA [H, W, 4] if any keyframe is transparent."""
        painting = self._shot.keyframes[keyframe]
        if self.palette.has_transparent:
            painting = make_transparent(painting, self._shot.masks[keyframe])
        return fill_under_lines(self._line_art(keyframe), painting)

    def _read_palette(self) -> Palette:
        masks = [self._shot.masks[drawing] for drawing in self] if self._shot.masks else []
        palette = extract_palette(
            [self._shot.keyframes[drawing] for drawing in self],
            [self._line_art(drawing) for drawing in self],
            transparent=[] if self._shot.is_generated else masks,
        )
        if not self._shot.is_generated:
            return palette
        colors = np.concatenate([palette.colors, np.full((1, 3), 255, np.uint8)])
        return Palette(colors, np.where(masks, np.uint16(len(palette.colors)), palette.labels))
