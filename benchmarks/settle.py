# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settler costs: its time for the drawings of a cartoon, as a share of the time of the line matcher.

--drawings: of one segment. --size: height of the drawings, 16:9.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from server.coloring.crop import find_crop
from server.coloring.matching import Matching
from server.coloring.settling import settle_votes
from server.coloring.windows import Reference, View, match_drawings
from server.presets.preset import WEIGHTS
from server.training.cartoon import draw_clip

from .measure import median_seconds, print_json_line, progress, read_sizes


@dataclass(frozen=True)
class SettleSizes:
    """Drawings of the segment, and their height."""

    drawings: int
    size: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print the result."""
    sizes = read_sizes(__doc__, SettleSizes(16, 360), SettleSizes(2, 96), arguments)
    clip = draw_clip(seed=1, drawings=1 + sizes.drawings, width=sizes.size * 16 // 9, height=sizes.size)
    matching = Matching.load(WEIGHTS, torch.device("cpu"))
    count = len(clip.colors)
    crop = find_crop(list(clip.line_art))
    first, *others = map(crop.of_lines, clip.line_art)
    reference = Reference.of_keyframe(first, crop.of_entries(clip.labels[0].astype(np.uint16)))
    views = {index: View(line_art) for index, line_art in enumerate(others, start=1)}
    shown, matched = match_drawings(matching.matcher, [reference], views, count)
    times = median_seconds(
        {
            "match": lambda: match_drawings(matching.matcher, [reference], views, count),
            "settle": lambda: settle_votes(matching.settler, shown, matched, [0], np.arange(count)),
        },
        repeats=3,
    )
    progress(", ".join(f"{name} {value / sizes.drawings:.3f} s a drawing" for name, value in times.items()))
    print_json_line(benchmark="settle", **vars(sizes), settle_over_match=times["settle"] / times["match"])


if __name__ == "__main__":
    main()
