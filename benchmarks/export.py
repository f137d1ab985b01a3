# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of a shot's export relative to Blender's own rendering, in the first Blender that is installed.

overhead: the time of the export of a shot without holds, over the time of plain renders of the same frames with the
same settings; both alternate. 1 means no overhead. held: the time of the export of drawings on twos, whose holds are
found before rendering, over the time of an export that renders as many frames. --size: height of the frames in pixels,
16:9. --frames: number of frames.
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
    """Height and number of the frames."""

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
        progress(f"the export of {sizes.frames} frames, {sizes.size} pixels high, alternating with plain renders")
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
