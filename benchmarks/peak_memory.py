# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory that a shot takes by its length: the peak of a process that colors 2,000 drawings, over the peak of a
process that colors 200.

Line art is read from a folder and frames are written to a folder, as by `python -m server colorize`.

--width, --layers: width and layers of the denoiser. --size: height of the frames, 3:2.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

from server.coloring.colorizer import Colorizer
from server.coloring.matching import LineMatcher, Matching, Settler
from server.engines.long_animation import LongAnimationEngine
from server.presets.preset import Preset

from .measure import Sizes, print_json_line, progress, read_sizes
from .shot import color_shot
from .stack import random_pipeline

LENGTHS = (200, 2000)
QUICK_LENGTHS = (16, 32)
QUICK = Sizes(64, 1, 32)


def load(width: int, layers: int, pixels: int) -> Colorizer:
    """A model with random weights."""
    preset = Preset("random", Path(), "", "", pixels, 81, steps=2, guidance=1.0, votes=1, hints=True, gpu=False)
    return Colorizer(LongAnimationEngine(random_pipeline(width, layers)), Matching(LineMatcher(), Settler()), preset)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_sizes(__doc__, Sizes(64, 2, 32), QUICK, arguments)
    lengths = QUICK_LENGTHS if sizes == QUICK else LENGTHS
    peaks = []
    for count in lengths:
        progress(f"{count} drawings")
        peaks.append(color_shot(count, sizes.size, functools.partial(load, sizes.width, sizes.layers)).peak)
    (short, long), (fewer, more) = peaks, lengths
    print_json_line(benchmark="peak_memory", **vars(sizes), short=fewer, long=more, long_over_short=long / short)


if __name__ == "__main__":
    main()
