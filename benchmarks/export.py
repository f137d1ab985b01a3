# SPDX-License-Identifier: GPL-3.0-or-later
"""What the export of a shot costs beside Blender's own rendering, in the first Blender that is installed.

overhead: all of the export of a shot without holds, its frames rendered in turns with plain renders of the same frames
with the same settings, over these renders; 1 is none. held: the export of drawings on twos, found before they are
rendered, over one of as many frames that are all rendered. --size: height of the frames in pixels, 16:9. --frames: how
many.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.demo.blender_process import chosen_blenders
from server.extension_build import build_extension

from .blender.process import run_in_blender
from .measure import print_json_line, progress, read_sizes

_EXPORT_TIMES = "benchmarks.blender.export.export_times"


@dataclass(frozen=True)
class Frames:
    """How high and how many the frames are."""

    size: int
    frames: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_sizes(__doc__, Frames(540, 24), Frames(54, 4), arguments)
    blenders = chosen_blenders()
    if not blenders:
        raise SystemExit("no Blender: run `python install.py test`, or set LONGANIMATION_BLENDER to one")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        progress(f"the export of {sizes.frames} frames, {sizes.size} pixels high, and their renders by turns")
        archive = build_extension(folder / "extension", blenders[0])
        times = run_in_blender(blenders[0], archive, folder, _EXPORT_TIMES, str(folder), *vars(sizes).values())
    print_json_line(
        benchmark="export",
        **vars(sizes),
        blender=times["blender"],
        overhead=times["export"] / times["plain"],
        held=times["held"] / times["moving"],
    )


if __name__ == "__main__":
    main()
