# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed outlines of the demonstration's cartoon. Coordinates are pixels of a 960×540 frame, y up."""

from __future__ import annotations

import math
from dataclasses import dataclass

Point = tuple[float, float]
Outline = tuple[Point, ...]


@dataclass(frozen=True)
class Part:
    """One stroke: its outline, the name of its paint, and whether it is closed (an open one is only a line)."""

    paint: str
    outline: Outline
    closed: bool = True

    def placed(self, x: float, y: float, facing: int = 1, scale: float = 1.0) -> Part:
        """Return the part moved to (x, y), scaled about its origin, mirrored when `facing` is -1."""
        outline = tuple((x + facing * scale * px, y + scale * py) for px, py in self.outline)
        return Part(self.paint, outline, self.closed)


def ellipse(x: float, y: float, rx: float, ry: float, turn: float = 0.0, count: int = 36) -> Outline:
    """Return an ellipse around (x, y) with radii rx and ry, turned by `turn` radians."""
    angles = [2 * math.pi * step / count for step in range(count)]
    return turned(tuple((x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles), turn, (x, y))


def turned(outline: Outline, angle: float, pivot: Point = (0.0, 0.0)) -> Outline:
    """Return the outline turned by `angle` radians about `pivot`."""
    cos, sin = math.cos(angle), math.sin(angle)
    px, py = pivot
    return tuple((px + cos * (x - px) - sin * (y - py), py + sin * (x - px) + cos * (y - py)) for x, y in outline)


def smooth(points: Outline, closed: bool = True, steps: int = 6) -> Outline:
    """Return a Catmull-Rom curve through `points`."""
    count = len(points)
    curve: list[Point] = []
    for index in range(count if closed else count - 1):
        ring = [index - 1, index, index + 1, index + 2]
        p0, p1, p2, p3 = (points[i % count if closed else min(max(i, 0), count - 1)] for i in ring)
        for step in range(steps):
            t = step / steps
            curve.append((_catmull(p0[0], p1[0], p2[0], p3[0], t), _catmull(p0[1], p1[1], p2[1], p3[1], t)))
    return tuple(curve) if closed else (*curve, points[-1])


def _catmull(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def limb(start: Point, bend: Point, end: Point, widths: tuple[float, float, float]) -> Outline:
    """Return an arm or a leg: a round-ended band along the curve start–bend–end, with half-widths at these points."""
    spine = smooth((start, bend, end), closed=False, steps=7)
    last = len(spine) - 1
    left: list[Point] = []
    right: list[Point] = []
    for index, (x, y) in enumerate(spine):
        ax, ay = spine[max(index - 1, 0)]
        bx, by = spine[min(index + 1, last)]
        length = math.hypot(bx - ax, by - ay) or 1.0
        nx, ny = (ay - by) / length, (bx - ax) / length
        t = 2 * index / last
        width = widths[0] + (widths[1] - widths[0]) * t if t <= 1 else widths[1] + (widths[2] - widths[1]) * (t - 1)
        left.append((x + width * nx, y + width * ny))
        right.append((x - width * nx, y - width * ny))
    return (*left, *_cap(left[-1], spine[-1]), *reversed(right), *_cap(right[0], spine[0]))


def _cap(edge: Point, center: Point, count: int = 7) -> Outline:
    """Return the half circle that rounds a band's end, from `edge` clockwise about `center`."""
    return tuple(turned((edge,), -math.pi * step / (count + 1), center)[0] for step in range(1, count + 1))
