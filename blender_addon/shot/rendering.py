# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up a shot's scene to render line art or a painted keyframe, and restores everything.

Both are rendered with the Standard view transform, so that a color in the file is the color that was picked. Line art
is drawn by Workbench, unless Freestyle draws the lines; its fills are painted white rather than hidden, so that they
still hide the lines behind them. A keyframe is drawn by the scene's own engine, with its world, textures, lights and
compositor. Workbench stands in for it where only Grease Pencil is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import bpy

from .. import compat
from ..internals import RENDER_RESULT
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from . import freestyle
from .changes import Changes, same_frame
from .fill_materials import tell_apart
from .line_width import thicken
from .resolved_shot import ResolvedShot
from .scene_objects import FILLS, drawings, has_line_art, left_out, line_pencils_of, pencils_of, rendered, scenery
from .strokes import WHITE, as_line_art
from .view_layers import one_view_layer

_END = b"\0\0\0\0IEND\xaeB`\x82"
"""The last chunk of a PNG."""


_ENGINES = {"BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "CYCLES"}

Part = Literal["line art", "keyframe", "background", "scene"]


@contextmanager
def rendering(shot: ResolvedShot, part: Part) -> Iterator[None]:
    """Within the block, the scene renders as line art, dark lines on white, or as a painted keyframe, or as its
    background without the drawings, or as it is.

    All have the same camera and size. A keyframe has a transparent background if the scene's film is transparent, or
    if the shot keeps its background. Afterward, all settings and datablocks and the current frame are as before, even
    after an error.
    """
    scene = shot.scene
    with ExitStack() as stack:
        stack.enter_context(same_frame(scene))
        stack.enter_context(_shown(scene))
        stack.enter_context(_last_render_slot())
        changes = Changes()
        stack.callback(changes.undo)
        _set_view(shot, changes)
        is_cut_out = part == "keyframe" and shot.keep_background
        _set_output(scene, changes, part != "line art" and (is_cut_out or scene.render.film_transparent))
        if part == "line art":
            stack.enter_context(_line_art(shot, changes))
        else:
            drawn = drawings(scene, shot.collection, shot.source)
            if is_cut_out:
                _hold_out(scene, drawn, changes)
            elif part == "background":
                for item in drawn:
                    changes.set(item, hide_render=True)
            stack.enter_context(_as_scene(scene, changes))
            if part != "scene":
                _keep_paint(scene, changes)
            if part == "keyframe":
                tell_apart(scene, changes)
        yield


@contextmanager
def _as_scene(scene: bpy.types.Scene, changes: Changes) -> Iterator[None]:
    """Within the block, the scene renders as it is to one picture, and its compositor writes no files."""
    with ExitStack() as stack:
        if compat.is_composited(scene):
            for node in compat.compositor_nodes(scene):
                if node.type == "OUTPUT_FILE":
                    changes.set(node, mute=True)
        else:
            stack.enter_context(one_view_layer(scene, False, changes))
            color = compat.world_color(scene.world)
            if scene.render.engine in _ENGINES and color is not None and not scenery(scene, pencils_of(scene, None)):
                # Workbench draws Grease Pencil as they do, and at once.
                changes.set(scene.render, engine="BLENDER_WORKBENCH")
                stack.enter_context(_world_of(scene, color, changes))
        changes.set(scene.render, use_freestyle=False)
        yield


def _keep_paint(scene: bpy.types.Scene, changes: Changes) -> None:
    """Let paint have the colors that were picked: no light falls on Grease Pencil, and nothing is blurred by motion."""
    changes.set(scene.render, use_motion_blur=False)
    _make_plain(scene, pencils_of(scene, None), changes)


def _make_plain(scene: bpy.types.Scene, pencils: list[bpy.types.Object], changes: Changes) -> None:
    """Let no light fall on Grease Pencil, and thicken the faint lines of Line Art modifiers."""
    for item in pencils:
        changes.set(item, use_grease_pencil_lights=False)
        if has_line_art(item):
            thicken(scene, item, changes)


def _hold_out(scene: bpy.types.Scene, drawn: list[bpy.types.Object], changes: Changes) -> None:
    """Show only the drawings, on nothing; meshes before them cut holes, which Workbench cannot do."""
    changes.set(scene.render, film_transparent=True, use_compositing=False)
    is_workbench = scene.render.engine == "BLENDER_WORKBENCH"
    for item in scenery(scene, drawn):
        if is_workbench or compat.is_grease_pencil(item):
            changes.set(item, hide_render=True)
        else:
            changes.set(item, is_holdout=True)


@contextmanager
def _line_art(shot: ResolvedShot, changes: Changes) -> Iterator[None]:
    """Within the block, the scene renders as dark lines on white."""
    scene = shot.scene
    has_freestyle = shot.source == "freestyle" or (shot.source == "mixed" and scene.render.use_freestyle)
    with ExitStack() as stack:
        layer = stack.enter_context(one_view_layer(scene, has_freestyle, changes))
        _set_up_workbench(scene, changes)
        stack.enter_context(_world_of(scene, WHITE, changes))
        if has_freestyle:
            stack.enter_context(freestyle.drawn(scene, layer, shot.source == "mixed", shot.keep_colors, changes))
        pencils = line_pencils_of(scene, shot.collection)
        stack.enter_context(as_line_art(pencils, shot, changes))
        _make_plain(scene, pencils, changes)
        _hide_others(shot, changes)
        yield


@contextmanager
def _shown(scene: bpy.types.Scene) -> Iterator[None]:
    """Within the block, the window shows the scene.

    A scene that is rendered by name would be rendered at the frame of the visible scene. Blender up to 5.0 reads an
    overridden context without Python's lock, and crashes if a Python thread is running.
    """
    window = bpy.context.window or bpy.context.window_manager.windows[0]
    former, layer = window.scene, window.view_layer
    if former == scene:
        yield
        return
    window.scene = scene
    try:
        yield
    finally:
        window.scene, window.view_layer = former, layer


def render_frame(scene: bpy.types.Scene, frame: int, path: Path) -> None:
    """Render one frame to a PNG; call it inside `rendering`. Raises ShotError when Blender cannot render."""
    kept = scene.render.filepath
    scene.render.filepath = compat.literal_path(str(path))
    try:
        # Rendering evaluates the frame; going to it first would evaluate it twice.
        scene.frame_current, scene.frame_subframe = frame, 0.0
        if scene.frame_current != frame:  # Blender sets 0 below zero, unless the preference Negative Frames is on
            scene.frame_set(frame)
        bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        raise ShotError(
            TranslatableText("Blender could not render frame {frame}: {reason}", frame=frame, reason=str(error).strip())
        ) from error
    finally:
        scene.render.filepath = kept
    if not path.is_file():
        raise ShotError(
            TranslatableText(
                "Blender wrote no image for frame {frame}: check that the output folder can be written to.", frame=frame
            )
        )
    if not path.read_bytes().endswith(_END):
        raise ShotError(
            TranslatableText(
                "Only part of {file} could be written: free up space on the disk of the output folder.", file=path.name
            )
        )


def _set_view(shot: ResolvedShot, changes: Changes) -> None:
    """Set the scene to render with the shot's camera at the shot's size."""
    scene = shot.scene
    if shot.camera is not None:
        for marker in scene.timeline_markers:
            if marker.camera is not None:
                changes.set(marker, camera=None)
        changes.set(scene, camera=shot.camera)  # last: changing a marker sets it, too
    width, height = shot.size
    changes.set(scene.render, resolution_x=width, resolution_y=height, resolution_percentage=100)


def _hide_others(shot: ResolvedShot, changes: Changes) -> None:
    """Hide the objects that do not belong to the source, and fills that were made from a take."""
    fills = [item for item in pencils_of(shot.scene, shot.collection) if FILLS in item]
    for item in (*left_out(shot.scene, shot.collection), *fills):
        changes.set(item, hide_render=True)
    if shot.source == "mixed":
        return
    for item in filter(compat.is_grease_pencil, rendered(shot.scene)):
        if shot.source == "freestyle" or (shot.source == "line_art" and not has_line_art(item)):
            changes.set(item, hide_render=True)
        elif shot.source == "line_art":
            changes.set(item, show_in_front=True)  # the modifier itself leaves out hidden lines


def _set_output(scene: bpy.types.Scene, changes: Changes, transparent: bool) -> None:
    """Set the scene to render to a PNG of the colors that were picked."""
    render, view = scene.render, scene.view_settings
    changes.set_all(
        (
            render,
            {
                "dither_intensity": 0.0,
                "use_sequencer": False,
                "use_border": False,
                "use_stamp": False,
                "use_multiview": False,
                "use_render_cache": False,
                "use_file_extension": True,
                "use_overwrite": True,
                "use_placeholder": False,
                "use_single_layer": False,
                "simplify_gpencil": False,
            },
        ),
        (render.image_settings, compat.optional(render.image_settings, media_type="IMAGE")),
        (
            render.image_settings,
            {
                "file_format": "PNG",
                "color_mode": "RGBA" if transparent else "RGB",
                "color_depth": "8",
                "compression": 15,
                "color_management": "FOLLOW_SCENE",
            },
        ),
        (scene.display_settings, {"display_device": "sRGB"}),
        (
            view,
            {"view_transform": "Standard", "look": "None", "exposure": 0.0, "gamma": 1.0, "use_curve_mapping": False},
        ),
        (view, compat.optional(view, use_white_balance=False)),
    )


def _set_up_workbench(scene: bpy.types.Scene, changes: Changes) -> None:
    """Set the scene to be drawn by Workbench, with all objects in flat white: they hide the lines behind them."""
    changes.set(
        scene.render,
        engine="BLENDER_WORKBENCH",
        film_transparent=False,
        use_freestyle=False,
        use_motion_blur=False,
        use_compositing=False,
    )
    changes.set(scene.display, render_aa="OFF")
    changes.set(
        scene.display.shading,
        light="FLAT",
        color_type="SINGLE",
        single_color=WHITE,
        show_cavity=False,
        show_shadows=False,
        show_xray=False,
        show_object_outline=False,
        show_specular_highlight=False,
        use_dof=False,
    )


@contextmanager
def _last_render_slot() -> Iterator[None]:
    """Within the block, render into the last slot, so that the animator's renders stay in the others."""
    result = bpy.data.images.get(RENDER_RESULT)
    if result is None:
        yield
        return
    active = result.render_slots.active_index
    result.render_slots.active_index = len(result.render_slots) - 1
    try:
        yield
    finally:
        result.render_slots.active_index = active


@contextmanager
def _world_of(scene: bpy.types.Scene, color: tuple[float, float, float], changes: Changes) -> Iterator[None]:
    """Within the block, the world has one color: Blender fills the background with it."""
    paper = bpy.data.worlds.new("LongAnimation paper")
    try:
        compat.color_world(paper, color)
        changes.set(scene, world=paper)
        yield
    finally:
        bpy.data.worlds.remove(paper)
