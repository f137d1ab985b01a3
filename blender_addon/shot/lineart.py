# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets a scene up to render line art, or a painted keyframe, and puts everything back.

Both are rendered with the Standard view transform, so that a color in the file is the color that was picked, and
by Workbench, unless Freestyle draws. For line art the fills are painted white rather than hidden: a part still hides
the lines behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import bpy

from .. import compat, png
from ..errors import ShotError
from ..sentence import Sentence
from . import freestyle
from .changes import Changes, same_frame
from .images import ImageSequence
from .source import LineArtOptions, chosen, has_line_art, left_out, pencils_of, rendered, source_of
from .strokes import WHITE, as_line_art
from .view import one_view_layer, set_view, thicken, uses_images

_END = b"\0\0\0\0IEND\xaeB`\x82"
"""The last chunk of a PNG."""


def settings_of(scene: bpy.types.Scene) -> LineArtOptions:
    """How the scene's own settings want the line art."""
    return scene.longanimation.lineart.options()


def check(scene: bpy.types.Scene, options: LineArtOptions, frames: range) -> None:
    """Raise ShotError, with what to do, when there is no line art of these frames."""
    if options.step > max(1, len(frames)):
        raise ShotError(
            Sentence(
                "The step of {step} frames is longer than the range of {count}: choose a shorter step.",
                step=options.step,
                count=len(frames),
            )
        )
    if uses_images(scene, options):
        ImageSequence.find(options.images).require(frames[:: options.step])
        return
    if not (options.camera or scene.camera or any(marker.camera for marker in scene.timeline_markers)):
        raise ShotError(Sentence("The scene has no camera: add one and frame the shot with it."))
    source = source_of(scene, options)
    if source == "freestyle":
        freestyle.check(scene)
    elif source == "mixed" and not chosen(scene, options):
        raise ShotError(
            Sentence("Nothing of the scene renders: enable its objects in renders, or choose another collection.")
        )


@contextmanager
def line_art(scene: bpy.types.Scene, options: LineArtOptions | None = None) -> Iterator[Callable[[int, Path], None]]:
    """Within the block the function that it gives writes the line art of a frame to a PNG, from whatever source.

    Without options the scene's own settings count. The block and the function raise ShotError.
    """
    options = options or settings_of(scene)
    if uses_images(scene, options):
        sequence = ImageSequence.find(options.images)

        def write(frame: int, path: Path) -> None:
            sequence.require([frame])
            sequence.write(frame, path, options.percentage, options.keep_colors)

        yield write
        return
    with rendering(scene, painted=False, options=options):

        def render(frame: int, path: Path) -> None:
            render_frame(scene, frame, path)
            path.write_bytes(png.without_metadata(path.read_bytes()))

        yield render


@contextmanager
def framed(scene: bpy.types.Scene, options: LineArtOptions) -> Iterator[None]:
    """Within the block the scene has the shot's camera and size."""
    changes = Changes()
    try:
        set_view(scene, options, changes)
        yield
    finally:
        changes.undo()


@contextmanager
def rendering(scene: bpy.types.Scene, painted: bool, options: LineArtOptions | None = None) -> Iterator[None]:
    """Within the block the scene renders as a painted keyframe (`painted`) or as line art: dark lines on white.

    Both have the same camera and size; a painted keyframe shows all layers, and nothing behind them where the scene's
    film is transparent. Without options the scene's own settings count. Every setting, datablock and the current frame
    are as before afterwards, also after an error.
    """
    options = options or settings_of(scene)
    source = "mixed" if painted else source_of(scene, options)
    with ExitStack() as stack:
        stack.enter_context(same_frame(scene))
        stack.enter_context(_in_sight(scene))
        stack.enter_context(_last_render_slot())
        changes = Changes()
        stack.callback(changes.undo)
        has_freestyle = not painted and (source == "freestyle" or (source == "mixed" and scene.render.use_freestyle))
        set_view(scene, options, changes)
        layer = stack.enter_context(one_view_layer(scene, has_freestyle, changes))
        _set_up_render(scene, changes, transparent=painted and scene.render.film_transparent)
        stack.enter_context(_white_world(scene, changes))
        if has_freestyle:
            stack.enter_context(freestyle.drawn(scene, layer, source == "mixed", options, changes))
        for item in pencils_of(scene, LineArtOptions() if painted else options):
            changes.set(item, use_grease_pencil_lights=False)
            if not painted:
                stack.enter_context(as_line_art(item, options, changes))
            if has_line_art(item):
                thicken(scene, item, changes)
        if not painted:
            _hide_others(scene, source, options, changes)
            # Other objects turn into white paper too: they hide the lines behind them.
            changes.set(scene.display.shading, color_type="SINGLE", single_color=WHITE)
        yield


@contextmanager
def _in_sight(scene: bpy.types.Scene) -> Iterator[None]:
    """Within the block the window shows the scene.

    By its name a scene would be rendered at the frame of the one that is in sight. With an overridden context Blender
    up to 5.0 looks into it without Python's lock, and ends if a thread of Python's is at work.
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
        # Rendering evaluates the frame; going to it first would do so twice.
        scene.frame_current, scene.frame_subframe = frame, 0.0
        bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        raise ShotError(
            Sentence("Blender could not render frame {frame}: {reason}", frame=frame, reason=str(error).strip())
        ) from error
    finally:
        scene.render.filepath = kept
    if not path.is_file():
        raise ShotError(
            Sentence(
                "Blender wrote no image for frame {frame}: check that the output folder can be written to.", frame=frame
            )
        )
    if not path.read_bytes().endswith(_END):
        raise ShotError(
            Sentence(
                "Only a part of {file} could be written: free space on the disk of the output folder.", file=path.name
            )
        )


def _hide_others(scene: bpy.types.Scene, source: str, options: LineArtOptions, changes: Changes) -> None:
    """Hide what does not belong to the source."""
    for item in left_out(scene, options):
        changes.set(item, hide_render=True)
    if source == "mixed":
        return
    for item in filter(compat.is_grease_pencil, rendered(scene)):
        if source == "freestyle" or (source == "line_art" and not has_line_art(item)):
            changes.set(item, hide_render=True)
        elif source == "line_art":
            changes.set(item, show_in_front=True)  # the modifier itself knows what is hidden


def _set_up_render(scene: bpy.types.Scene, changes: Changes, transparent: bool) -> None:
    render, view = scene.render, scene.view_settings
    changes.set_all(
        (
            render,
            {
                "engine": "BLENDER_WORKBENCH",
                "film_transparent": transparent,
                "dither_intensity": 0.0,
                "use_freestyle": False,
                "use_motion_blur": False,
                "use_compositing": False,
                "use_sequencer": False,
                "use_single_layer": False,
                "use_border": False,
                "use_stamp": False,
                "use_multiview": False,
                "use_render_cache": False,
                "use_file_extension": True,
                "use_overwrite": True,
                "use_placeholder": False,
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
        (scene.display, {"render_aa": "OFF"}),
        (
            scene.display.shading,
            {
                "light": "FLAT",
                "show_cavity": False,
                "show_shadows": False,
                "show_xray": False,
                "show_object_outline": False,
                "show_specular_highlight": False,
                "use_dof": False,
            },
        ),
        (scene.display_settings, {"display_device": "sRGB"}),
        (
            view,
            {"view_transform": "Standard", "look": "None", "exposure": 0.0, "gamma": 1.0, "use_curve_mapping": False},
        ),
        (view, compat.optional(view, use_white_balance=False)),
        # One sample a pixel: the line smoothing that remains is Grease Pencil's own, and eight times faster.
        (scene.grease_pencil_settings, compat.optional(scene.grease_pencil_settings, aa_samples=1)),
    )


@contextmanager
def _last_render_slot() -> Iterator[None]:
    """Render into the last slot within the block: what the animator rendered stays in the others."""
    result = bpy.data.images.get("Render Result")
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
def _white_world(scene: bpy.types.Scene, changes: Changes) -> Iterator[None]:
    """Blender fills the background with the world's color: white paper."""
    paper = bpy.data.worlds.new("LongAnimation paper")
    try:
        compat.make_white(paper)
        changes.set(scene, world=paper)
        yield
    finally:
        bpy.data.worlds.remove(paper)
