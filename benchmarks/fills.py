# SPDX-License-Identifier: GPL-3.0-or-later
"""Making Grease Pencil fills from a finished take in a real Blender: `size` frames in full HD, drawn on twos.

`seconds`: the time until the fills are there. `wait`: the part of it for which the interface waits. The goal is less
than a minute for 240 frames.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from server.demo.blender_process import chosen_blenders
from server.extension_build import build_extension

from .blender.process import run_in_blender
from .measure import print_json_line, progress, read_sizes

_MANY_DRAWINGS = "benchmarks.blender.fills.many_drawings"


@dataclass(frozen=True)
class Sizes:
    """The number of frames of the take, and how often its fills are made, each time in a new Blender."""

    size: int
    repeats: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Make fills and print the medians."""
    sizes = read_sizes(__doc__, Sizes(size=240, repeats=1), Sizes(size=4, repeats=1), arguments)
    blender = chosen_blenders()[0]
    times = []
    for number in range(sizes.repeats):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            archive = build_extension(folder, blender)
            times.append(run_in_blender(blender, archive, folder, _MANY_DRAWINGS, str(folder / "take"), sizes.size))
        progress(f"{number + 1} of {sizes.repeats}")
    print_json_line(
        benchmark="fills",
        size=sizes.size,
        seconds=median(sum(one.values()) for one in times),
        wait=median(one["camera"] + one["draw"] for one in times),
    )


if __name__ == "__main__":
    main()
