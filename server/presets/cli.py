# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands for presets: `python -m server convert` converts existing downloads, and
`python install.py models PRESET` describes an installed preset, or downloads a published one."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from server.presets import published_wan
from server.presets.preset import WEIGHTS, UnknownPreset, find_preset
from server.presets.published_extractor import DOWNLOAD, EXTRACTOR, extractor_weights
from server.presets.published_preset import DOWNLOADS, PRESET, Download

DTYPES = ("bfloat16", "float16", "float32")
ACCEPT = "--accept-licenses"
PUBLISHED = {PRESET: DOWNLOADS, published_wan.PRESET: published_wan.DOWNLOADS}
"""The presets that can be downloaded."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m server convert`."""
    parser.add_argument("--cogvideox", type=Path, metavar="DIR", help="the folder CogVideoX1.5-5B-I2V")
    parser.add_argument("--control", type=Path, metavar="FILE", help="control_module.safetensors (SketchDiT)")
    parser.add_argument("--memory", type=Path, metavar="FILE", help="glm_module.safetensors (dynamic memory)")
    parser.add_argument("--video-xl", type=Path, metavar="DIR", help="the folder VideoXL_weight_8")
    parser.add_argument(
        "--vision-tower",
        type=Path,
        metavar="DIR",
        help="the folder clip-vit-large-patch14-336, if Video-XL's own files do not include it",
    )
    output = WEIGHTS / PRESET
    parser.add_argument("--output", type=Path, default=output, metavar="DIR", help="folder to create (%(default)s)")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16", help="data type of all weights (%(default)s)")
    parser.add_argument("--verify", type=Path, metavar="DIR", help="only check the checksums of a converted folder")


def run(arguments: argparse.Namespace) -> int:
    """Convert or verify. Return the exit code."""
    import torch

    from server.longanimation.convert import Downloads
    from server.presets.conversion import convert, exit_code, verify

    if arguments.verify:
        return exit_code(lambda: verify(arguments.verify))
    needed = {name: getattr(arguments, name) for name in ("cogvideox", "control", "memory", "video_xl")}
    missing = [f"--{name.replace('_', '-')}" for name, path in needed.items() if path is None]
    if missing:
        sys.stderr.write(f"To convert, {', '.join(missing)} must be given too; to check a folder, only --verify DIR.\n")
        return 2
    downloads = Downloads(**needed, vision_tower=arguments.vision_tower)
    return exit_code(lambda: convert(downloads, arguments.output, getattr(torch, arguments.dtype)))


def main(arguments: Sequence[str] | None = None, weights: Path = WEIGHTS) -> int:
    """Run `install.py models` in the server's environment. Return the exit code. weights: the folder of presets."""
    parser = argparse.ArgumentParser(prog="python install.py models", description=__doc__)
    parser.add_argument(
        "preset",
        help=f"an installed preset, or {PRESET}, {published_wan.PRESET} or the line extractor {EXTRACTOR}, which are "
        "downloaded",
    )
    parser.add_argument(ACCEPT, action="store_true", help="accept the licenses without being asked")
    parser.add_argument("--accept-licences", dest="accept_licenses", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--downloads", type=Path, metavar="DIR", help="folder for the downloads")
    parser.add_argument("--remove-downloads", action="store_true", help="delete the downloads after the conversion")
    options = parser.parse_args(arguments)
    if options.preset == EXTRACTOR:
        return _fetch_extractor(extractor_weights(weights), options.accept_licenses)
    try:
        preset = find_preset(options.preset, weights)
    except UnknownPreset as error:
        if options.preset not in PUBLISHED:
            names = " or ".join(PUBLISHED)
            sys.stderr.write(f"{error} To download: python install.py models {names}\n")
            return 1
    else:
        terms = f"License of the weights: {preset.license}."
        sys.stdout.write(f"{preset.title}: {preset.bytes / 1e6:.0f} MB, in {preset.folder}. {terms}\n")
        return 0
    if not _accepted(options.preset, PUBLISHED[options.preset], options.accept_licenses):
        return 1
    folder, output = options.downloads or weights / ".downloads" / options.preset, weights / options.preset

    from server.presets.installation import install, install_wan  # imports torch; nobody waits for that to read terms

    if options.preset == published_wan.PRESET:
        return install_wan(folder, output)
    return install(folder, output, options.remove_downloads)


def _fetch_extractor(weights: Path, accepted: bool) -> int:
    """Describe the line extractor, or download it. Return the exit code."""
    if weights.is_file():
        sys.stdout.write(f"{EXTRACTOR}: {weights.stat().st_size / 1e6:.0f} MB, {weights}. {DOWNLOAD.license}\n")
        return 0
    if not _accepted(EXTRACTOR, [DOWNLOAD], accepted):
        return 1

    from server.presets.installation import install_extractor

    return install_extractor(weights)


def _accepted(name: str, downloads: Sequence[Download], beforehand: bool) -> bool:
    """Show every license and ask the user to accept them."""
    sys.stdout.write(f"{name} is made of weights under these licenses:\n\n")
    for download in downloads:
        sys.stdout.write(f"{download.folder} ({download.what}), {download.address}\n    {download.license}\n\n")
    if beforehand:
        return True
    if not sys.stdin.isatty():
        sys.stderr.write(
            f"These licenses have to be accepted, and there is no terminal to ask on: read them, and add {ACCEPT}. "
            "Nothing was downloaded.\n"
        )
        return False
    if input("Do you accept these licenses? [y/N] ").strip().lower() in ("y", "yes"):
        return True
    sys.stderr.write("Nothing was downloaded.\n")
    return False
