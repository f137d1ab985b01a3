# SPDX-License-Identifier: GPL-3.0-or-later
"""`python install.py models PRESET`: describe a preset that is there, or fetch and convert the one that can be."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from server.presets.catalogue import DOWNLOADS, PRESET
from server.presets.preset import WEIGHTS, UnknownPreset, find_preset

ACCEPT = "--accept-licenses"


def main(arguments: Sequence[str] | None = None, weights: Path = WEIGHTS) -> int:
    """Read the command line, do it, and return the exit code. weights: the folder of presets."""
    parser = argparse.ArgumentParser(prog="python install.py models", description=__doc__)
    parser.add_argument("preset", help=f"an installed preset, or {PRESET}, which is fetched")
    parser.add_argument(ACCEPT, action="store_true", help="accept the licenses without being asked")
    parser.add_argument("--accept-licences", dest="accept_licenses", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--downloads", type=Path, metavar="DIR", help="where to keep what is downloaded")
    parser.add_argument("--remove-downloads", action="store_true", help="delete it once it is converted")
    options = parser.parse_args(arguments)
    try:
        preset = find_preset(options.preset, weights)
    except UnknownPreset as error:
        if options.preset != PRESET:
            sys.stderr.write(f"{error} {PRESET} can be fetched: python install.py models {PRESET}\n")
            return 1
    else:
        terms = f"License of the weights: {preset.license}."
        sys.stdout.write(f"{preset.title}: {preset.bytes / 1e6:.0f} MB, in {preset.folder}. {terms}\n")
        return 0
    if not _accepted(options.accept_licenses):
        return 1
    folder = options.downloads or weights / ".downloads" / PRESET

    from server.presets.installation import install  # brings torch; nobody should wait for it to read a license

    return install(folder, weights / PRESET, options.remove_downloads)


def _accepted(beforehand: bool) -> bool:
    """Show every license, and ask."""
    sys.stdout.write(f"{PRESET} is made of weights under these licenses:\n\n")
    for download in DOWNLOADS:
        address = f"https://huggingface.co/{download.repository}"
        sys.stdout.write(f"{download.folder} ({download.what}), {address}\n    {download.license}\n\n")
    if beforehand:
        return True
    if not sys.stdin.isatty():
        sys.stderr.write(
            f"These licenses have to be accepted, and there is no terminal to ask at: read them, and add {ACCEPT}. "
            "Nothing was downloaded.\n"
        )
        return False
    if input("Do you accept these licenses? [y/N] ").strip().lower() in ("y", "yes"):
        return True
    sys.stderr.write("Nothing was downloaded.\n")
    return False
