# SPDX-License-Identifier: GPL-3.0-or-later
"""Placing a finished take in the Sequencer of a real Blender: `size` frames, with their lines in a meta strip.

`to_plain`: its time over the time of only making two image strips of the same files. `seconds`: the time that the
animator waits. The goal for reading 500 frames into the Sequencer is less than half a second.
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

_MANY_FRAMES = "benchmarks.blender.sequencer.many_frames"


@dataclass(frozen=True)
class Sizes:
    """The number of frames of the take, and how often it is placed, each time in a new Blender."""

    size: int
    repeats: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Place takes and print the medians."""
    sizes = read_sizes(__doc__, Sizes(size=500, repeats=3), Sizes(size=20, repeats=1), arguments)
    blender = chosen_blenders()[0]
    times = []
    for number in range(sizes.repeats):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            archive = build_extension(folder, blender)
            times.append(run_in_blender(blender, archive, folder, _MANY_FRAMES, str(folder / "take"), sizes.size))
        progress(f"{number + 1} of {sizes.repeats}")
    print_json_line(
        benchmark="sequencer",
        size=sizes.size,
        seconds=median(one["seconds"] for one in times),
        to_plain=median(one["seconds"] / one["plain_seconds"] for one in times),
    )


if __name__ == "__main__":
    main()
