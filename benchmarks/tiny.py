# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the preset `tiny` keeps its limits on two cores: 81 drawings in 90 seconds, 4 GB of memory, and no more
memory for a longer shot. Prints each as a share of its limit: at most 1 is within the limit. Takes some minutes.

--drawings: drawings of the short shot; the long shot has four times as many. --size: height of the frames, 3:2. The
preset's own height is 144; at 360, the line matcher sees as much detail as it can.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.coloring.colorizer import Colorizer

from .measure import print_json_line, progress, read_sizes
from .shot import color_shot

SECONDS_A_DRAWING = 90 / 81
MEMORY = 4e9


@dataclass(frozen=True)
class ShotSizes:
    """The size of the shot."""

    drawings: int
    size: int


def load(pixels: int) -> Colorizer:
    """The preset, for drawings of any size, on the CPU."""
    return Colorizer.from_preset("tiny", "cpu")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_sizes(__doc__, ShotSizes(81, 144), ShotSizes(2, 48), arguments)
    costs = []
    for count in (sizes.drawings, 4 * sizes.drawings):
        progress(f"{count} drawings")
        costs.append(color_shot(count, sizes.size, load))
    short, long = costs
    print_json_line(
        benchmark="tiny",
        **vars(sizes),
        time=short.seconds / (SECONDS_A_DRAWING * sizes.drawings),
        memory=short.peak / MEMORY,
        long_time=long.seconds / (SECONDS_A_DRAWING * 4 * sizes.drawings),
        long_memory=long.peak / MEMORY,
        long_memory_over_short=long.peak / short.peak,
    )


if __name__ == "__main__":
    main()
