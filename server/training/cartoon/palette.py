# SPDX-License-Identifier: GPL-3.0-or-later
"""The colors of a clip: plausible, sometimes harmonious, sometimes arbitrary."""

from __future__ import annotations

import colorsys
from random import Random

import numpy as np

Rgb = tuple[int, int, int]
LIMIT = 40
_SKINS: tuple[Rgb, ...] = (
    (255, 224, 196),
    (241, 194, 155),
    (224, 172, 125),
    (198, 134, 86),
    (141, 85, 50),
    (92, 56, 38),
)
_HAIRS: tuple[Rgb, ...] = ((40, 30, 30), (84, 52, 32), (140, 88, 44), (226, 190, 100), (190, 70, 40), (225, 225, 222))
_NAMES = ((15, "red"), (42, "orange"), (68, "yellow"), (160, "green"), (200, "cyan"), (255, "blue"), (290, "purple"))


class Palette:
    """The colors that are in use. A new color close to one of them may get its index."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._colors: list[Rgb] = []
        self._base = rng.random()
        self._spread = rng.choice((0.08, 0.2, 1.0, 1.0, 1.0))  # one family of hues, or any
        self._vivid = rng.choice((0.3, 0.6, 0.8, 1.0))
        self.shaded = rng.random() < 0.08
        """Whether parts have a hard shadow side."""
        self._wild = rng.random() < 0.2  # green skins and red skies

    @property
    def colors(self) -> np.ndarray:
        """uint8 [N,3]."""
        return np.array(self._colors, np.uint8).reshape(-1, 3)

    def name(self, index: int) -> str:
        """Return the plain name of a color, for the sentence."""
        return name_of(self._colors[index])

    def maybe(self, chance: float, unlike: tuple[int, ...] = ()) -> int | None:
        """Return a color with this probability, else None."""
        return self.cloth(unlike) if self._rng.random() < chance else None

    def add(self, color: Rgb) -> int:
        """Return the index of `color`, or of the nearest color if the palette is full."""
        if color in self._colors:
            return self._colors.index(color)
        if len(self._colors) < LIMIT:
            self._colors.append(color)
            return len(self._colors) - 1
        distances = ((self.colors.astype(int) - np.array(color)) ** 2).sum(1)
        return int(distances.argmin())

    def cloth(self, unlike: tuple[int, ...] = ()) -> int:
        """Return any color, for clothes and things. `unlike` lists the indices from which it must differ visibly."""
        color = (0, 0, 0)
        for _ in range(8):
            kind = self._rng.random()
            if kind < 0.08:
                gray = self._rng.randint(25, 250)
                color = (gray, gray, gray)
            elif kind < 0.22 and self._colors:
                color = self._rng.choice(self._colors)  # other parts in the same color
            else:
                hue = self._base + self._spread * self._rng.uniform(-0.5, 0.5)
                color = _hsv(hue, self._vivid * self._rng.uniform(0.4, 1), self._rng.uniform(0.25, 1))
            if all(_far(color, self._colors[i]) for i in unlike):
                break
        return self.add(color)

    def near(self, color: Rgb, amount: int = 22) -> int:
        """Return a color like `color`, or any other in a wild palette."""
        if self._wild and self._rng.random() < 0.6:
            return self.cloth()
        r, g, b = (min(255, max(0, channel + self._rng.randint(-amount, amount))) for channel in color)
        return self.add((r, g, b))

    def skin(self) -> int:
        """A color for skin."""
        return self.near(self._rng.choice(_SKINS), 12)

    def hair(self) -> int:
        """A color for hair: natural, or any."""
        return self.near(self._rng.choice(_HAIRS), 16) if self._rng.random() < 0.6 else self.cloth()

    def shade(self, index: int, factor: float) -> int:
        """A darker or lighter relative of a color."""
        r, g, b = (int(min(255, channel * factor)) for channel in self._colors[index])
        return self.add((r, g, b))


def _hsv(hue: float, saturation: float, value: float) -> Rgb:
    r, g, b = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(r * 255), round(g * 255), round(b * 255)


def _far(a: Rgb, b: Rgb) -> bool:
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) > 70


def name_of(color: Rgb) -> str:
    """The plain English name of an RGB color."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in color))
    if value < 0.2:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.85 else "grey"  # as in the prompts that the weights of tiny were trained on
    name = next((name for limit, name in _NAMES if hue * 360 < limit), "pink" if hue < 0.94 else "red")
    return "brown" if name in ("orange", "red") and value < 0.7 and saturation < 0.85 else name
