# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot as the animator describes it in the scene's settings, before anything is looked up in the scene."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import bpy

from ..shared.manifest import SMALLEST_REGION, Finish, Quality
from ..shared.traces import TraceFill
from .painted_frame import PaintedFrame
from .scene_objects import layer_name

Source = Literal["pencil", "line_art", "freestyle", "images", "mixed"]
Role = Literal["lines", "traces", "fills", "none"]

TRACE_COLOR = "#ff00ff"
"""The color in which layers of color-trace lines are sent."""
_FILLS = {
    *("fill", "fills", "color", "colors", "colour", "colours", "paint", "paints", "flat", "flats"),
    *("relleno", "rellenos", "colores", "couleur", "couleurs", "remplissage", "remplissages", "aplats"),
    *("塗り", "彩色", "色", "填充", "颜色", "上色"),
}
_LINES = {
    *("line", "lines", "lineart", "outline", "outlines", "ink", "inks", "线", "线条", "線", "線画"),
    *("línea", "líneas", "contorno", "contornos", "trait", "traits", "ligne", "lignes", "contour", "contours"),
}
"""Words in the names of layers that hold fills, and of those that hold lines, in the extension's languages."""


@dataclass(frozen=True)
class LayerRoles:
    """What Grease Pencil layers and materials hold.

    by_name: what the layers of a name hold: lines, color-trace lines, fills (which hide the lines behind them), or
    none of these. fills_by: layers or materials with the pass index `fill_pass` also hold fills. Any other layer holds
    fills if it is named so and its object has layers that are not, and else lines. trace_pass: strokes of materials
    with this pass index are color-trace lines; 0 for none.
    """

    by_name: Mapping[str, Role] = field(default_factory=dict)
    fills_by: Literal["none", "layer", "material"] = "none"
    fill_pass: int = 0
    trace_pass: int = 0

    def of(self, layer: bpy.types.GreasePencilLayer) -> Role:
        """What a Grease Pencil layer holds."""
        if self.fills_by == "layer" and layer.pass_index == self.fill_pass:
            return "fills"
        return self.by_name.get(layer_name(layer)) or _default_role(layer)

    def is_chosen(self, layer: bpy.types.GreasePencilLayer) -> bool:
        """Whether the animator said what a Grease Pencil layer holds."""
        return layer_name(layer) in self.by_name

    @property
    def material_pass(self) -> int:
        """The pass index of materials that hold fills, 0 for none."""
        return self.fill_pass if self.fills_by == "material" else 0


def _default_role(layer: bpy.types.GreasePencilLayer) -> Role:
    """What a layer holds by its name. The only layers of an object hold its lines, whatever they are called."""
    is_alone = all(_is_named_fills(other) for other in layer.id_data.layers)
    return "fills" if _is_named_fills(layer) and not is_alone else "lines"


def _is_named_fills(layer: bpy.types.GreasePencilLayer) -> bool:
    words = set(re.findall(r"[^\W\d_]+", layer_name(layer).lower()))
    return bool(words & _FILLS) and not words & _LINES


@dataclass(frozen=True)
class LineArtOptions:
    """How line art is made.

    source: "pencil" is every Grease Pencil object, "line_art" those with a Line Art modifier, "freestyle" Freestyle's
    lines, "images" existing files, "mixed" the whole scene; "auto" is the first of these that the scene has. images:
    path of one file of the sequence, or of its folder. sheet: path of an exposure sheet that says when each image is
    shown, "" for the numbers of the images. column: its column, as in `ImageSequence.of_sheet`. collection: use only
    its objects. camera: None for the scene's camera. percentage: percentage of the scene's or the images' resolution; 0
    for the scene's own percentage, or the images' full size. step: frames from one drawing to the next. keep_colors:
    lines keep their colors; otherwise they are black. traces: further colors of color-trace lines, as `#rrggbb`,
    besides the layers with this role. trace_fill, gap, smallest_region: as in `ShotManifest`.
    """

    source: Source | Literal["auto"] = "auto"
    images: str = ""
    sheet: str = ""
    column: str = ""
    collection: bpy.types.Collection | None = None
    roles: LayerRoles = field(default_factory=LayerRoles)
    camera: bpy.types.Object | None = None
    percentage: int = 0
    step: int = 1
    keep_colors: bool = True
    traces: tuple[str, ...] = ()
    trace_fill: TraceFill = "sides"
    gap: float = 0.0
    smallest_region: int = SMALLEST_REGION


@dataclass(frozen=True)
class ShotOptions:
    """What to color and how: the frames, the painted frames, the settings for the server, and the source of the line
    art.

    sheets: images of model sheets. keep_background: the background is not colored: keyframes show only the drawings,
    and the take has the rest of the scene as a layer.
    """

    frames: range
    painted: tuple[PaintedFrame, ...]
    preset: str
    prompt: str
    seed: int
    finish: Finish
    quality: Quality = "auto"
    accept_errors: bool = False
    keep_background: bool = False
    sheets: tuple[bpy.types.Image, ...] = ()
    lineart: LineArtOptions = field(default_factory=LineArtOptions)
