# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the terminal's command works on, and its arguments."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import extension, finished_take, shot, strips_of, with_placement

from .stage import described


def film(path: str) -> None:
    """Save a film of three shots, the last of which has no keyframe, and an empty scene; enable the extension in the
    preferences, too."""
    scene = shot()
    scene.frame_end = 12
    for frame, name in ((1, "walk"), (5, "run"), (9, "unpainted")):
        scene.timeline_markers.new(name, frame=frame)
    for frame in (2, 6):
        scene.longanimation.keyframes.add().frame = frame
    scene.longanimation.seed = 7
    bpy.data.scenes.new("Empty")
    bpy.ops.wm.save_userpref()
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=path)


def finished(path: str, folder: str) -> str:
    """Make a finished take of a film in a folder, one of whose colors is called Coat; returns that color's code."""
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.data.scenes["Crossing"]
    take = with_placement(finished_take(scene, Path(folder) / "walk"), scene, start=3)
    color = next(iter(extension("takes.recolor").palette_of(take)))
    swatch = extension("shared.palette").Swatch.of("Coat", color)
    take.changed(state="done", server="http://127.0.0.1:9", palette=(swatch,))
    return str(swatch.color)


def contents(path: str) -> dict[str, Any]:
    """What is in a file that the command has saved, or left alone."""
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.data.scenes["Crossing"]
    settings = scene.longanimation
    return {
        "strips": sorted(map(described, strips_of(scene)), key=lambda one: one["range"])
        if scene.sequence_editor
        else [],
        "settings": [settings.seed, settings.quality, settings.layout, [item.frame for item in settings.keyframes]],
        "images": [image.name for image in bpy.data.images],
    }


def refusals(path: str, lines: list[list[str]]) -> list[str]:
    """Why each command line cannot be carried out on a file."""
    bpy.ops.wm.open_mainfile(filepath=path)
    answers = []
    for words in lines:
        try:
            extension("cli.verbs").colorize(extension("cli.arguments").parse(words), None)
            answers.append("")
        except extension("shared.errors").ColorError as error:
            answers.append(str(error))
    return answers


def read(lines: list[list[str]]) -> list[list[Any]]:
    """The exit status of each command line and what is said about it; of those that make sense nothing is done."""
    answers = []
    for words in lines:
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                extension("cli.arguments").parse(words)
                status = 0
            except SystemExit as end:
                status = end.code
        answers.append([status, said.getvalue()])
    return answers
