# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of parts. Random shapes use the given `random.Random`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import skia

Point = tuple[float, float]


def smooth(points: Sequence[Point], closed: bool = True, tension: float = 1.0) -> skia.Path:
    """A Bézier curve through `points` (Catmull-Rom; `tension` 0 gives straight lines)."""
    n, k = len(points), tension / 6
    path = skia.Path()
    path.moveTo(*points[0])
    for i in range(n if closed else n - 1):
        if closed:
            a, b, c, d = points[i - 1], points[i], points[(i + 1) % n], points[(i + 2) % n]
        else:
            a, b, c, d = points[max(i - 1, 0)], points[i], points[i + 1], points[min(i + 2, n - 1)]
        path.cubicTo(
            b[0] + (c[0] - a[0]) * k, b[1] + (c[1] - a[1]) * k, c[0] - (d[0] - b[0]) * k, c[1] - (d[1] - b[1]) * k, *c
        )
    if closed:
        path.close()
    return path


def polygon(points: Sequence[Point], closed: bool = True) -> skia.Path:
    """Straight lines through `points`."""
    return skia.Path.Polygon([skia.Point(x, y) for x, y in points], closed)


def ellipse(x: float, y: float, rx: float, ry: float) -> skia.Path:
    """An ellipse around (x, y) with radii rx and ry."""
    return skia.Path.Oval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry))


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> skia.Path:
    """A rectangle with corners rounded by `radius`."""
    rect = skia.Rect.MakeLTRB(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    return skia.Path.RRect(rect, radius, radius) if radius else skia.Path.Rect(rect)


def blob(rng: Random, rx: float, ry: float, rough: float = 0.15, count: int = 0) -> skia.Path:
    """A smooth closed shape around the origin; `rough` is the spread of its radius."""
    count = count or rng.randint(6, 10)
    points = []
    for i in range(count):
        angle = 2 * math.pi * (i + rng.uniform(-0.2, 0.2)) / count
        r = 1 + rng.uniform(-rough, rough)
        points.append((rx * r * math.cos(angle), ry * r * math.sin(angle)))
    return smooth(points)


def star(count: int, outer: float, inner: float, soft: bool = False, turn: float = 0.0) -> skia.Path:
    """A star or, softened, a flower around the origin."""
    points = []
    for i in range(2 * count):
        r, angle = (outer if i % 2 == 0 else inner), turn + math.pi * i / count - math.pi / 2
        points.append((r * math.cos(angle), r * math.sin(angle)))
    return smooth(points) if soft else polygon(points)


def loft(profile: Sequence[tuple[float, float]], tension: float = 1.0, squareness: float = 0.0) -> skia.Path:
    """A shape symmetric about x = 0 from (y, half width) pairs, top to bottom: heads, torsos, skirts, vases."""
    points = [(w, y) for y, w in profile] + [(-w, y) for y, w in reversed(profile)]
    return smooth(points, tension=tension * (1 - squareness))


def place(path: skia.Path, x: float, y: float, turn: float = 0.0, sx: float = 1.0, sy: float = 1.0) -> skia.Path:
    """`path` scaled, turned by `turn` radians (clockwise on screen) and moved to (x, y)."""
    c, s = math.cos(turn), math.sin(turn)
    matrix = skia.Matrix()
    matrix.setAffine([c * sx, s * sx, -s * sy, c * sy, x, y])
    placed = skia.Path()
    path.transform(matrix, placed)
    return placed


def bent(a: Point, b: Point, c: Point, soft: bool) -> skia.Path:
    """A line from a to c through b, bent sharply or `soft` like a hose."""
    path = skia.Path()
    path.moveTo(*a)
    if soft:
        path.quadTo(2 * b[0] - (a[0] + c[0]) / 2, 2 * b[1] - (a[1] + c[1]) / 2, *c)
    else:
        path.lineTo(*b)
        path.lineTo(*c)
    return path


def line(*points: Point) -> skia.Path:
    """An open line through `points`."""
    return polygon(points, False)


def hatching(bounds: skia.Rect, step: float) -> skia.Path:
    """Slanting lines `step` apart all over `bounds`."""
    path = skia.Path()
    high = bounds.height()
    count = min(200, int((bounds.width() + high) / step))
    for i in range(count):
        x = bounds.left() - high + i * step
        path.moveTo(x, bounds.bottom())
        path.lineTo(x + high, bounds.top())
    return path


def between(a: Point, b: Point, t: float) -> Point:
    """The point at share `t` of the way from a to b."""
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def cuff(a: Point, b: Point, wide_a: float, wide_b: float) -> skia.Path:
    """A band from a to b with square ends, `wide_a` and `wide_b` across: sleeves, shorts, trunks of trees."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy) or 1.0
    nx, ny = -dy / length / 2, dx / length / 2
    return polygon(
        [
            (a[0] + nx * wide_a, a[1] + ny * wide_a),
            (b[0] + nx * wide_b, b[1] + ny * wide_b),
            (b[0] - nx * wide_b, b[1] - ny * wide_b),
            (a[0] - nx * wide_a, a[1] - ny * wide_a),
        ]
    )
