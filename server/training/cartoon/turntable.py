# SPDX-License-Identifier: GPL-3.0-or-later
"""A turntable: points of a body, and their positions on the screen from any side."""

from __future__ import annotations

import math
from dataclasses import dataclass

from server.training.cartoon.shapes import Point

Spot = tuple[float, float, float]
"""A point of the body: its distances to the left, up and forward."""


@dataclass(frozen=True, slots=True)
class Turntable:
    """The view of a body that faces `yaw`. It projects a spot onto the screen, and returns how near the spot is."""

    cos: float
    sin: float

    @classmethod
    def facing(cls, yaw: float) -> Turntable:
        """The view of a body with this yaw."""
        return cls(math.cos(yaw), math.sin(yaw))

    def flat(self, spot: Spot) -> Point:
        """The spot on the screen, y down."""
        return spot[0] * self.cos + spot[2] * self.sin, -spot[1]

    def near(self, spot: Spot) -> float:
        """Return how near the spot is to the viewer."""
        return spot[2] * self.cos - spot[0] * self.sin
