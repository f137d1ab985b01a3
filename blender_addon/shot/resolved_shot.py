# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot as it is read from its scene, with every option resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import bpy

from ..shared.errors import ShotError
from ..shared.manifest import Finish, Quality
from ..shared.traces import TraceFill
from ..shared.translatable_text import TranslatableText
from . import freestyle
from .image_sequence import ImageSequence
from .options import TRACE_COLOR, LayerRoles, LineArtOptions, ShotOptions, Source
from .painted_frame import PaintedFrame
from .scene_objects import chosen, has_line_art, line_pencils_of


@dataclass(frozen=True)
class ResolvedShot:
    """A shot of a scene, with everything that is needed to render or export it.

    scene: the scene with its drawings. size: width and height of its images in pixels. source: what its line art is
    made from. sequence: the files of the source "images", otherwise None. sheets, keep_background: as in ShotOptions.
    percentage and the fields after it: as in LineArtOptions.
    """

    scene: bpy.types.Scene
    frames: range
    painted: tuple[PaintedFrame, ...]
    sheets: tuple[bpy.types.Image, ...]
    preset: str
    prompt: str
    seed: int
    finish: Finish
    quality: Quality
    accept_errors: bool
    keep_background: bool
    size: tuple[int, int]
    source: Source
    sequence: ImageSequence | None
    percentage: int
    camera: bpy.types.Object | None
    collection: bpy.types.Collection | None
    roles: LayerRoles
    step: int
    keep_colors: bool
    traces: tuple[str, ...]
    trace_fill: TraceFill
    gap: float
    smallest_region: int

    def drawn_at(self, frame: int) -> int:
        """The frame whose drawing is shown at `frame`."""
        return drawn_at(frame, self.frames.start, self.step)


def resolve(scene: bpy.types.Scene, options: ShotOptions) -> ResolvedShot:
    """Read a shot from its scene. Raises ShotError, with what to do, if its frames have no line art."""
    lineart = options.lineart
    if lineart.step > max(1, len(options.frames)):
        raise ShotError(
            TranslatableText(
                "The step of {step} frames is longer than the range of {count}: choose a shorter step.",
                step=lineart.step,
                count=len(options.frames),
            )
        )
    source = _source_of(scene, lineart)
    sequence = None
    if source == "images":
        sequence = _sequence_of(scene, lineart)
        sequence.require(options.frames[:: lineart.step])
    else:
        _check_drawable(scene, lineart, source)
    return ResolvedShot(
        scene=scene,
        frames=options.frames,
        painted=options.painted,
        sheets=options.sheets,
        preset=options.preset,
        prompt=options.prompt,
        seed=options.seed,
        finish=options.finish,
        quality=options.quality,
        accept_errors=options.accept_errors,
        keep_background=options.keep_background,
        size=sequence.size(lineart.percentage) if sequence else _rendered_size(scene, lineart.percentage),
        source=source,
        sequence=sequence,
        percentage=lineart.percentage,
        camera=lineart.camera,
        collection=lineart.collection,
        roles=lineart.roles,
        step=lineart.step,
        keep_colors=lineart.keep_colors,
        traces=_traces_of(scene, lineart, source),
        trace_fill=lineart.trace_fill,
        gap=lineart.gap,
        smallest_region=lineart.smallest_region,
    )


def resolve_at(scene: bpy.types.Scene, frame: int) -> ResolvedShot:
    """Read the part of a scene's shot that has the drawing shown at a frame, from the drawing's first frame on.

    Raises ShotError, as `resolve` does.
    """
    settings = scene.longanimation
    step = settings.lineart.step
    first = drawn_at(frame, settings.frames.start, step)
    return resolve(scene, settings.options(range(first, first + step)))


def drawn_at(frame: int, first: int, step: int) -> int:
    """The frame whose drawing is shown at `frame` of a shot that begins at `first` and is drawn every `step` frames."""
    return frame - (frame - first) % step


def _traces_of(scene: bpy.types.Scene, lineart: LineArtOptions, source: Source) -> tuple[str, ...]:
    """The colors of color-trace lines: the animator's choice, and that of layers and materials with this role.

    Raises ShotError if lines have no colors.
    """
    if lineart.traces and not lineart.keep_colors:
        raise ShotError(
            TranslatableText(
                "Color-trace lines are found by their colors, but the lines are black: turn on Keep Line Colors."
            )
        )
    pencils = line_pencils_of(scene, lineart.collection) if source in ("pencil", "mixed") else ()
    roles = [lineart.roles.of(layer) for item in pencils for layer in item.data.layers]
    materials = [slot.material for item in pencils for slot in item.material_slots]
    passes = [one.grease_pencil.pass_index for one in materials if one and one.grease_pencil]
    has_role = "traces" in roles or (lineart.roles.trace_pass and lineart.roles.trace_pass in passes)
    return tuple(dict.fromkeys((*lineart.traces, *((TRACE_COLOR,) if has_role else ()))))


def _sequence_of(scene: bpy.types.Scene, lineart: LineArtOptions) -> ImageSequence:
    if lineart.sheet:
        return ImageSequence.of_sheet(lineart.images, lineart.sheet, lineart.column, scene.frame_start)
    return ImageSequence.find(lineart.images)


def _source_of(scene: bpy.types.Scene, lineart: LineArtOptions) -> Source:
    """What the line art is made from; "auto" is the first source that the scene has.

    Raises ShotError, with what to do, if there is none, or no camera to render it.
    """
    if lineart.source == "images":
        return lineart.source
    pencils = line_pencils_of(scene, lineart.collection)
    drawn = [item for item in pencils if not has_line_art(item)]
    found: dict[Source, bool] = {
        "pencil": bool(drawn),
        "line_art": len(drawn) < len(pencils),
        "freestyle": scene.render.use_freestyle,
        "images": bool(lineart.images),
    }
    source: Source | Literal["auto"] = lineart.source
    if source == "auto":
        source = next((name for name, there in found.items() if there), source)
    if source != "images" and not (
        lineart.camera or scene.camera or any(marker.camera for marker in scene.timeline_markers)
    ):
        raise ShotError(TranslatableText("The scene has no camera: add one and frame the shot with it."))
    if not any(layer.use for layer in scene.view_layers):
        raise ShotError(
            TranslatableText("No view layer of the scene renders: switch one on in the View Layer properties.")
        )
    within = (
        TranslatableText(" in the collection {name}", name=repr(lineart.collection.name)) if lineart.collection else ""
    )
    if source == "auto":
        raise ShotError(
            TranslatableText(
                "The scene has no line art{within}, such as a Grease Pencil object that renders: draw the shot with "
                "Grease Pencil, enable the object in renders, use Line Art or Freestyle, or choose an image sequence.",
                within=within,
            )
        )
    if source == "pencil" and not pencils:
        raise ShotError(
            TranslatableText(
                "The scene has no Grease Pencil object that renders{within}: draw the shot with Grease Pencil, enable "
                "the object in renders, or choose another source of line art.",
                within=within,
            )
        )
    if source == "line_art" and not found["line_art"]:
        raise ShotError(
            TranslatableText(
                "The scene has no Line Art modifier that renders{within}: add one (Add › Grease Pencil › Scene Line "
                "Art), or choose another source of line art.",
                within=within,
            )
        )
    if source in ("pencil", "line_art") and not _has_line_layer(pencils, lineart.roles):
        raise ShotError(
            TranslatableText(
                "No layer is left for the line art: set at least one of its layers to Lines, "
                "and check that no layer of lines is hidden."
            )
        )
    return source


def _check_drawable(scene: bpy.types.Scene, lineart: LineArtOptions, source: Source) -> None:
    """Raise ShotError if the scene has nothing that the source could draw."""
    if source == "freestyle":
        freestyle.check(scene)
    elif source == "mixed" and not chosen(scene, lineart.collection):
        raise ShotError(
            TranslatableText(
                "Nothing in the scene renders: enable its objects in renders, or choose another collection."
            )
        )


def _rendered_size(scene: bpy.types.Scene, percentage: int) -> tuple[int, int]:
    render = scene.render
    percentage = percentage or render.resolution_percentage
    return render.resolution_x * percentage // 100, render.resolution_y * percentage // 100


def _has_line_layer(pencils: list[bpy.types.Object], roles: LayerRoles) -> bool:
    return any(not layer.hide and roles.of(layer) == "lines" for item in pencils for layer in item.data.layers)
