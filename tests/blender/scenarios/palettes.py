# SPDX-License-Identifier: GPL-3.0-or-later
"""Named colors of a take: from materials, files, Blender's palettes and the server's library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import begin_export, extension, finish, finished_take, shot, with_placement
from server.demo.in_blender.extension import EXTENSION


def _listed_take(folder: Path) -> tuple[bpy.types.Scene, Any]:
    """A take of three flat colors, whose palette is listed."""
    scene = shot()
    take = with_placement(finished_take(scene, folder / "take"), scene, start=3)
    take = take.changed(state="done", server="http://127.0.0.1:9", palette=())
    take_manager = extension("take_manager")
    take_manager.register(take)
    for _ in take_manager.wait([take.job]):
        pass
    bpy.ops.longanimation.read_palette(job=take.job)
    return scene, take


def _paints(scene: bpy.types.Scene) -> list[list[Any]]:
    return [[paint.name, list(paint.rgb), list(paint.changed_rgb)] for paint in scene.longanimation.palette]


def _newest() -> Any:
    return list(extension("take_manager").entries.values())[-1].take


def _refused(operator: Any, **arguments: Any) -> str:
    try:
        operator(**arguments)
    except RuntimeError as error:
        return str(error)
    return ""


def files(folder: str) -> dict[str, Any]:
    """Name the colors by a file and by hand, use a variant in which two are the same, and go on from there."""
    home = Path(folder)
    scene, take = _listed_take(home)
    operators = bpy.ops.longanimation
    answer: dict[str, Any] = {"unnamed": _paints(scene)}
    colors = [paint.rgb for paint in scene.longanimation.palette]
    day = ["GIMP Palette", *(f"{r} {g} {b}\tPart {n}" for n, (r, g, b) in enumerate(colors)), "1 2 3 Elsewhere"]
    (home / "day.gpl").write_text("\n".join(day), encoding="utf-8")
    (home / "night.gpl").write_text("GIMP Palette\n10 20 30 Hair\n10 20 30 Part 1\n9 9 9 Elsewhere", encoding="utf-8")
    (home / "broken.gpl").write_text("GIMP Palette\n1 2 red", encoding="utf-8")
    (home / "broken.ase").write_bytes(b"ASEF\0\1\0\0\0\0\0\7")
    answer["broken"] = [_refused(operators.import_palette, filepath=str(home / name)) for name in _BROKEN]
    answer["after broken"] = _paints(scene)
    operators.import_palette(filepath=str(home / "day.gpl"))
    answer["named"] = _paints(scene)
    paints = scene.longanimation.palette
    paints[0].name = "  Hair\n "
    paints[1].name = "Hair"
    answer["by hand"] = [paint.name for paint in paints]
    paints[1].name = "Part 1"
    kept = extension("takes.take").Take.load(take.folder)
    answer["kept"] = [[swatch.name, list(swatch.rgb)] for swatch in kept.palette]
    operators.import_palette(filepath=str(home / "night.gpl"))
    answer["night"] = _paints(scene)
    operators.recolor()
    made = _newest()
    answer |= {"first": str(take.folder), "second": str(made.folder), "note": made.note}
    operators.read_palette(job=made.job)
    answer["recolored"] = _paints(scene)
    for name in ("out.ase", "out.gpl", "out"):
        operators.export_palette(filepath=str(home / name))
    answer["wrong ending"] = _refused(operators.export_palette, filepath=str(home / "out.png"))
    answer["unwritable"] = _refused(operators.export_palette, filepath=str(home / "gone" / "out.gpl"))
    return answer


_BROKEN = ("broken.gpl", "broken.ase", "gone.gpl")


def blender_palettes(folder: str) -> dict[str, Any]:
    """Make a palette of Blender's, change and move its colors, save the file, and use it as a variant."""
    home = Path(folder)
    scene, _ = _listed_take(home)
    paints = scene.longanimation.palette
    for number, paint in enumerate(paints):
        paint.name = f"Part {number}"
    scene.longanimation.palette_name = "Show"
    bpy.ops.longanimation.make_blender_palette()
    palette = bpy.data.palettes["Show"]
    answer: dict[str, Any] = {"same": _paints(scene), "count": len(palette.colors)}
    compat = extension("compat")
    first = palette.colors[0].color.copy()
    palette.colors[0].color = palette.colors[2].color
    palette.colors[2].color = first
    palette.colors[1].color = compat.paint_color((200, 100, 50))
    palette.use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    answer["missing"] = _refused(bpy.ops.longanimation.use_blender_palette, palette="None")
    empty = bpy.data.palettes.new("Empty")
    answer["empty"] = _refused(bpy.ops.longanimation.use_blender_palette, palette=empty.name)
    bpy.ops.longanimation.use_blender_palette(palette="Show")
    answer["variant"] = _paints(scene)
    return answer


def library(folder: str, server: str) -> dict[str, Any]:
    """Store a palette in the server's library, get it in another file, and change it there and here."""
    home = Path(folder)
    scene, take = _listed_take(home)
    bpy.context.preferences.addons[EXTENSION].preferences.server = server
    operators, shot_settings = bpy.ops.longanimation, scene.longanimation
    paints = shot_settings.palette
    for number, paint in enumerate(paints):
        paint.name = f"Part {number}"
    answer: dict[str, Any] = {
        "missing": _refused(operators.use_library_palette, palette="Show"),
        "slash": _refused(operators.store_palette, palette="A/B"),
    }
    operators.store_palette(palette="Show")
    answer["stored"] = [shot_settings.palette_name, shot_settings.palette_version]
    paints[0].changed = (0.0, 0.0, 0.0)
    operators.store_palette(palette="Show")
    answer["again"] = shot_settings.palette_version
    operators.read_palette(job=take.job)  # as in another file
    paints[1].changed = (1.0, 0.0, 0.0)
    answer["unseen"] = _refused(operators.store_palette, palette="Show")
    operators.use_library_palette(palette="Show")
    answer["newest"] = [shot_settings.palette_version, _paints(scene)]
    operators.use_library_palette(palette="Show", version=1)
    answer["older"] = [shot_settings.palette_version, _paints(scene)]
    return answer


def materials(folder: str) -> dict[str, Any]:
    """Export a keyframe in which two materials have one color; the names of the materials are those of the colors."""
    home = Path(folder)
    scene = shot()
    first, second = (bpy.data.materials[name].grease_pencil for name in ("girl dress", "roof"))
    second.fill_color = first.fill_color
    second.keyframe_insert("fill_color", frame=1)
    before = [list(one.fill_color) for one in (first, second)]
    take = finish(begin_export(scene, home / "take", range(1, 3)))
    pixels = extension("png_pixels").read_png(take.keyframes / "0001.png")[..., :3].reshape(-1, 3)
    values, counts = np.unique(pixels, axis=0, return_counts=True)
    return {
        "same": before == [list(one.fill_color) for one in (first, second)],
        "muted": [curve.mute for curve in extension("compat").curves_of(bpy.data.materials["roof"])],
        "palette": [[swatch.name, list(swatch.rgb)] for swatch in take.palette],
        "sent": list(take.manifest.palette),
        "pixels": [[value.tolist(), int(count)] for value, count in zip(values, counts, strict=True)],
        "loaded": extension("takes.take").Take.load(take.folder) == take,
    }
