# SPDX-License-Identifier: GPL-3.0-or-later
"""SVG pictures as filled and stroked paths, from back to front."""

from __future__ import annotations

import io
from dataclasses import dataclass
from xml.etree import ElementTree

import skia
import svgelements  # type: ignore[import-untyped]

Rgb = tuple[int, int, int]

_MIN_OPACITY = 0.5
"""The opacity below which paint is a veil (a blush, a gloss), not a fill of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """One element of a picture, in the picture's units.

    Attributes:
        path: its outline or line.
        fill: RGB, None for a line that encloses nothing.
        stroke: RGB, None without.
        width: width of the stroke.
    """

    path: skia.Path
    fill: Rgb | None
    stroke: Rgb | None
    width: float


def read_svg(text: str, name: str) -> list[Part]:
    """Parse an SVG picture. Masks, gradients, filters, texts, and veils below half opacity are left out.

    Raises:
        ValueError: `text` is no SVG. The message begins with `name`.
    """
    try:
        tree = ElementTree.fromstring(text)
        for parent in tree.iter():
            for child in [child for child in parent if child.tag.rpartition("}")[2] in ("mask", "clipPath")]:
                parent.remove(child)
        picture = svgelements.SVG.parse(io.StringIO(ElementTree.tostring(tree, encoding="unicode")))
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"{name}: not an SVG picture ({error}); remove it or fetch the sources again") from error
    parts = []
    for element in picture.elements():
        if not isinstance(element, svgelements.Shape) or "mask" in element.values:
            continue
        fill, stroke = _paint(element, "fill"), _paint(element, "stroke")
        if fill is None and stroke is None:
            continue
        path = _skia_path(abs(svgelements.Path(element)), element.values.get("fill-rule") == "evenodd")
        if path.countPoints() > 1:
            parts.append(Part(path, fill, stroke, float(element.implicit_stroke_width or 0.0)))
    return parts


def _paint(element: svgelements.Shape, kind: str) -> Rgb | None:
    """Return the color of a fill or stroke that covers, else None."""
    color = getattr(element, kind)
    opacity = float(element.values.get("opacity", 1)) * float(element.values.get(f"{kind}-opacity", 1))
    if color is None or color.value is None or opacity * color.alpha / 255 < _MIN_OPACITY:
        return None
    return color.red, color.green, color.blue


def _skia_path(source: svgelements.Path, evenodd: bool) -> skia.Path:
    """Return the same path made only of lines and cubic curves."""
    path = skia.Path()
    path.setFillType(skia.PathFillType.kEvenOdd if evenodd else skia.PathFillType.kWinding)
    for segment in source:
        if isinstance(segment, svgelements.Move):
            path.moveTo(*segment.end)
        elif isinstance(segment, svgelements.Close):
            path.close()
        elif isinstance(segment, svgelements.Line):
            path.lineTo(*segment.end)
        elif isinstance(segment, svgelements.CubicBezier):
            path.cubicTo(*segment.control1, *segment.control2, *segment.end)
        elif isinstance(segment, svgelements.QuadraticBezier):
            a, b, c = segment.start, segment.control, segment.end
            path.cubicTo(*(a + (b - a) * (2 / 3)), *(c + (b - c) * (2 / 3)), *c)
        else:  # an elliptical arc
            for curve in segment.as_cubic_curves():
                path.cubicTo(*curve.control1, *curve.control2, *curve.end)
    return path
