# SPDX-License-Identifier: GPL-3.0-or-later
"""The two parts of the demonstration that run inside Blender: make and color the shot, and reopen and check it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import bpy

from .. import cartoon
from . import scene
from .extension import EXTENSION, install_extension

MARK = "@demo "
"""Begins the lines of output that are meant for the demonstration itself."""


def make(output: str, archive: str, server: str) -> None:
    """Draw the shot, save it as shot.blend, and color it with the installed extension."""
    logging.basicConfig(level=logging.INFO, format=f"{MARK}%(message)s", stream=sys.stdout)
    folder = Path(output)
    _say("Drawing the shot")
    shot = scene.build()
    _say("Rendering the true colors")
    scene.render_truth(shot, folder / "truth")
    _say("Installing the extension")
    install_extension(archive)
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    bpy.context.preferences.addons[EXTENSION].preferences.server = server
    shot.longanimation.prompt = "A girl in a yellow hat and a boy in a red cap walk past a house"
    bpy.ops.longanimation.add_keyframe()
    bpy.ops.longanimation.color_shot(directory=output)
    _lay_out()
    bpy.ops.wm.save_mainfile()


def _lay_out() -> None:
    """Lay out the file so that it opens with the colored shot in the Sequencer and the drawing next to it."""
    areas = bpy.context.window_manager.windows[0].screen.areas
    view, outliner = (next(area for area in areas if area.type == kind) for kind in ("VIEW_3D", "OUTLINER"))
    view.type, outliner.type = "SEQUENCE_EDITOR", "VIEW_3D"
    view.spaces.active.view_type = "SEQUENCER_PREVIEW"
    outliner.spaces.active.region_3d.view_perspective = "CAMERA"


def check(output: str) -> None:
    """Reopen shot.blend and check its strips. Report the version of Blender at the end."""
    folder = Path(output)
    bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
    strips = _strips_of(bpy.context.scene.sequence_editor)
    _expect([strip.type for strip in strips], ["META"], "strips")
    color, lines = _strips_of(strips[0])
    _expect((lines.blend_type, color["longanimation_job"]), ("ALPHA_OVER", lines["longanimation_job"]), "blending, job")
    for strip, name in ((color, "fills"), (lines, "lines")):
        _expect(strip.frame_final_start, cartoon.FRAMES.start, f"first frame of {strip.name}")
        _expect(strip.frame_final_end, cartoon.FRAMES.stop, f"end of {strip.name}")
        _expect(strip.directory.startswith("//"), True, f"relative path of {strip.name}")
        _expect(Path(bpy.path.abspath(strip.directory)).resolve(), (folder / name).resolve(), f"files of {strip.name}")
        names = [f"{frame:04d}.png" for frame in cartoon.FRAMES]
        _expect([element.filename for element in strip.elements], names, f"order of {strip.name}")
        _expect([n for n in names if not (folder / name / n).is_file()], [], f"missing files of {strip.name}")
        size = (strip.elements[0].orig_width, strip.elements[0].orig_height)
        _expect(size, (cartoon.WIDTH, cartoon.HEIGHT), f"size of {strip.name}")
    _say(f"version {bpy.app.version_string}")


def _strips_of(holder: bpy.types.SequenceEditor | bpy.types.MetaStrip) -> list[bpy.types.Strip]:
    """Return the strips of an editor or a meta strip, the lowest first."""
    strips = holder.strips if hasattr(holder, "strips") else holder.sequences  # before 4.4
    return sorted(strips, key=lambda strip: strip.channel)


def _expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, expected {wanted!r}")


def _say(text: str) -> None:
    sys.stdout.write(f"{MARK}{text}\n")
    sys.stdout.flush()
