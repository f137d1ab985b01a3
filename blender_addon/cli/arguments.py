# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of the command line. An empty value counts as not given, so that templates can pass all arguments."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from ..shared.manifest import Quality

PROGRAM = "blender FILE --command longanimation"


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line. Raises SystemExit if help was requested (0) or the arguments are invalid (2)."""
    parser = argparse.ArgumentParser(prog=PROGRAM, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("--json", action="store_true", help="print each result as a line of JSON")
    work = argparse.ArgumentParser(add_help=False)
    work.add_argument("--openjd", action="store_true", help="print progress in Open Job Description's format")
    work.add_argument("--no-save", action="store_true", help="leave the file as it is, without the strips")
    which = argparse.ArgumentParser(add_help=False)
    _add_shots(which)

    colorize = verbs.add_parser(
        "colorize", parents=[which, work, output], help="color shots of the file, and save it with their strips"
    )
    _add_settings(colorize)
    fetch = verbs.add_parser("fetch", parents=[work, output], help="fetch takes that were sent, and place their strips")
    fetch.add_argument("directories", metavar="DIR", nargs="+", type=Path, help="folder of a take, or of several")
    recolor = verbs.add_parser(
        "recolor", parents=[work, output], help="make takes with the colors of a palette, without the server"
    )
    recolor.add_argument("directories", metavar="DIR", nargs="+", type=Path, help="folder of a take, or of several")
    recolor.add_argument(
        "--palette",
        metavar="FILE",
        required=True,
        type=Path,
        help="names and their colors (.gpl, .ase); colors of a take that have these names become them",
    )
    shots = verbs.add_parser("shots", parents=[which, output], help="only list the shots of the file")
    shots.set_defaults(openjd=False)
    options = parser.parse_args(words)
    if options.verb in ("colorize", "shots") and options.scene and options.source == "scenes":
        parser.error("--scene chooses one scene, and --all-scenes chooses all of them: give only one of the two")
    if options.verb == "colorize" and options.otio and not options.wait:
        parser.error("--otio needs finished takes, and --no-wait does not wait for them: give only one of the two")
    return options


def _add_shots(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `colorize` and `shots` that choose shots."""
    parser.add_argument("--scene", metavar="NAME", help="the scene that is drawn (default: the file's active one)")
    parser.add_argument(
        "--from",
        dest="source",
        choices=("scene", "markers", "list", "scenes"),
        default="scene",
        help="where the shots come from: the scene's frames, its markers, the file's Batch list, or all scenes with a "
        "camera (default: %(default)s)",
    )
    for flag, source in (("--markers", "markers"), ("--all-scenes", "scenes")):
        parser.add_argument(
            flag, dest="source", action="store_const", const=source, help=f"the same as --from {source}"
        )
    parser.add_argument("--frames", metavar="A-B", type=_given(_frames), help="only these frames")
    parser.add_argument(
        "--shot", metavar="N", action="append", default=[], help="only this shot, by number or name; may be repeated"
    )
    parser.add_argument(
        "--keyframe",
        metavar="N[,N…] | N=IMAGE",
        dest="keyframes",
        action="extend",
        type=_keyframes,
        default=[],
        help="additional painted frames, in the scene or in an image file; may be repeated",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the coloring settings; those that are not given are as in the file."""
    parser.add_argument("--directory", metavar="DIR", help="folder of the take; with several shots, the parent folder")
    parser.add_argument("--server", metavar="ADDRESS", help="the coloring server; its token is in LONGANIMATION_TOKEN")
    parser.add_argument("--preset", metavar="NAME", help="model on the server")
    parser.add_argument("--finish", type=_given(_one_of("flats", "painted")), help="flats or painted")
    parser.add_argument("--quality", type=_given(_one_of(*get_args(Quality))), help=", ".join(get_args(Quality)))
    parser.add_argument(
        "--reference",
        metavar="FILE",
        dest="references",
        action="append",
        default=[],
        help="additional model sheet: a painted picture of figures that is no frame of the shot; may be repeated",
    )
    parser.add_argument("--seed", metavar="N", type=_given(int), help="another seed gives another take")
    parser.add_argument("--prompt", metavar="TEXT", help="description of the shot in a sentence")
    parser.add_argument("--layout", type=_given(_one_of("meta", "strips", "flat")), help="meta, strips or flat")
    parser.add_argument(
        "--accept-errors",
        action="store_const",
        const=True,
        help="color although a drawing seems to be white on black, or a keyframe is transparent all over",
    )
    parser.add_argument(
        "--otio", metavar="FILE", help="write a timeline for OpenTimelineIO, with one clip for each finished take"
    )
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait for the colors, or only send the shots and print where to fetch them",
    )


def _given(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Read a value with `kind`, and an empty value as None."""

    def read(text: str) -> Any:
        return kind(text) if text else None

    read.__name__ = kind.__name__.strip("_")  # for argparse's message about an invalid value
    return read


def _one_of(*names: str) -> Callable[[str], str]:
    def name(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(names)}")
        return text

    return name


def _frames(text: str) -> range:
    found = re.fullmatch(r"(-?\d+)-(-?\d+)", text)
    if not found or int(found[2]) < int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of frames: write it like 1-48")
    return range(int(found[1]), int(found[2]) + 1)


def _keyframes(text: str) -> list[tuple[int, Path | None]]:
    """`12`, `1,12` and `12=painted.png`: the frames and, where one is given, the image."""
    number, _, image = text.partition("=")
    try:
        if image:
            return [(int(number), Path(image))]
        return [(int(part), None) for part in text.split(",") if part]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a keyframe: write 12, or 1,12, or 12=IMAGE") from error
