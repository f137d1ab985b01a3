# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal's way in: `blender SHOT.blend --command longanimation colorize [--directory DIR] [--keyframe N] …`."""

import argparse
import logging
import sys

import bpy

_command: object = None


def _run(arguments: list[str]) -> int:
    """Colour the open file's shot and save the file with its strips; returns the exit status."""
    parser = argparse.ArgumentParser(prog="blender SHOT.blend --command longanimation")
    verbs = parser.add_subparsers(dest="verb", required=True)
    colorize = verbs.add_parser("colorize", help="colour the shot of the open file, and save it with its strips")
    colorize.add_argument("--directory", default="", help="folder of the take")
    colorize.add_argument("--keyframe", type=int, action="append", default=[], help="a painted frame; may be repeated")
    colorize.add_argument("--seed", type=int)
    options = parser.parse_args(arguments)

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    shot = bpy.context.scene.longanimation
    for frame in options.keyframe:
        if all(item.frame != frame for item in shot.keyframes):
            shot.keyframes.add().frame = frame
    if options.seed is not None:
        shot.seed = options.seed
    try:
        bpy.ops.longanimation.color_shot(directory=options.directory)
        if bpy.data.filepath:
            bpy.ops.wm.save_mainfile()
    except RuntimeError as error:
        logging.getLogger(__package__).error("%s", str(error).strip())
        return 1
    return 0


def register() -> None:
    """Add the command to Blender's."""
    global _command
    _command = bpy.utils.register_cli_command("longanimation", _run)


def unregister() -> None:
    """Take the command back."""
    bpy.utils.unregister_cli_command(_command)
