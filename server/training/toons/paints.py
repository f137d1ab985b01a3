# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a figure, and how each is painted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paint:
    """fill: index of its color in the clip's palette. line: width of its outline relative to the ink's. solid: inked
    solid in the drawing, as pupils are. loose: how far cloth is from the body, in decimeters."""

    fill: int
    line: float = 1.0
    solid: bool = False
    loose: float = 0.0


class Paints:
    """A list of parts that grows. Parts are their numbers in it."""

    def __init__(self) -> None:
        self.all: list[Paint] = []

    def add(self, fill: int, line: float = 1.0, solid: bool = False, loose: float = 0.0) -> int:
        """Add a part. Returns its number."""
        self.all.append(Paint(fill, line, solid, loose))
        return len(self.all) - 1

    def fill(self, part: int) -> int:
        """Return the color of a part."""
        return self.all[part].fill
