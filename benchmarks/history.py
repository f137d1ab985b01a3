# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of remembering a shot: Video-XL's incremental memory, compared with encoding all of the past for every
segment.

Three methods are timed segment by segment and summed, each from frames to what DGLM reads:

- adding the new segment to the memory
- encoding everything again, which gives the same result
- encoding again as the research driver does, which takes a sample of 650 frames if there are more

The memory's limit is 650 frames, too.

--width: width of Video-XL; --layers: layers of Video-XL, at least 9; --size: drawings of a segment.
"""

from collections.abc import Sequence
from functools import partial
from itertools import accumulate

import torch

from server.longanimation import VideoMemory, VideoXL

from .measure import Sizes, print_json_line, progress, read_sizes, seconds

DEFAULT = Sizes(width=64, layers=9, size=54)
QUICK = Sizes(width=16, layers=9, size=3)
SEGMENTS = 15
SAMPLE = 650 / 81
"""The research driver's sample, in segments."""

HEAD, TAIL = torch.arange(14), torch.arange(16)


def video_xl(sizes: Sizes, limit: int) -> VideoXL:
    """A model of the published proportions with 16 visual tokens a frame, 2 beacons a frame, 10 frames a window."""
    width = sizes.width
    return VideoXL(
        vocab_size=16,
        hidden_size=width,
        intermediate_size=width * 5,
        num_hidden_layers=sizes.layers,
        num_attention_heads=4,
        num_key_value_heads=1,
        beacon_window=160,
        beacon_stride=160,
        beacon_limit=2 * limit,
        vision={
            "hidden_size": width // 4,
            "intermediate_size": width,
            "num_hidden_layers": sizes.layers // 2,
            "num_attention_heads": 4,
            "image_size": 64,
            "patch_size": 8,
        },
    ).eval()


@torch.no_grad()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print the result.

    `times_cheaper`: the gain after a number of segments, compared with encoding everything and with the research
    driver. `growth`: of the summed costs; a cost linear in length grows 5-, 2- and 3-fold.
    """
    sizes = read_sizes(__doc__, DEFAULT, QUICK, arguments)
    torch.manual_seed(0)
    sample = max(round(SAMPLE * sizes.size), 40)  # the limit must hold four windows
    model = video_xl(sizes, sample)
    shot = torch.rand(SEGMENTS * sizes.size, 3, 64, 64)

    def add(memory: VideoMemory, frames: torch.Tensor) -> None:
        model.append_frames(memory, frames)
        model.read(memory, TAIL)

    add(model.start(HEAD), shot[: sizes.size])  # warm up
    history = model.start(HEAD)
    costs: dict[str, list[float]] = {"incremental": [], "everything": [], "driver": []}
    for segment in shot.split(sizes.size):
        past = shot[: (len(costs["driver"]) + 1) * sizes.size]
        chosen = past[torch.linspace(0, len(past) - 1, min(len(past), sample)).long()]
        costs["incremental"].append(seconds(partial(add, history, segment)))
        costs["everything"].append(seconds(partial(add, model.start(HEAD), past)))
        costs["driver"].append(
            costs["everything"][-1] if len(past) <= sample else seconds(partial(add, model.start(HEAD), chosen))
        )
        progress(f"{len(past)} drawings: " + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in costs.items()))
    summed = {name: [0.0, *accumulate(times)] for name, times in costs.items()}
    print_json_line(
        benchmark="history",
        **vars(sizes),
        times_cheaper={
            name: {count: summed[name][count] / summed["incremental"][count] for count in (1, 5, 10, 15)}
            for name in ("everything", "driver")
        },
        growth={
            name: {f"{end}/{start}": times[end] / times[start] for end, start in ((5, 1), (10, 5), (15, 5))}
            for name, times in summed.items()
        },
    )


if __name__ == "__main__":
    main()
