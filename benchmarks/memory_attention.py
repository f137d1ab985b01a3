# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of DGLM in a denoising step, with keys and values mapped in every step or once per segment.

--width: width of the control signal; --layers: layers of DGLM; --size: number of video tokens. The number of memory
tokens relative to `--size`, and the mapping widths relative to `--width`, are those of the published model at 1024×576
with 650 frames of history.
"""

from collections.abc import Sequence

import torch

from server.longanimation import DynamicGlobalLocalMemory

from .measure import Sizes, median_seconds, print_json_line, progress, read_sizes

DEFAULT = Sizes(width=384, layers=3, size=2048)
QUICK = Sizes(width=96, layers=1, size=64)
STEPS = 50
VIDEO, GLOBAL, LOCAL = 25_344, 14 + 18 * 650 + 16, 14 + 18 * 20 + 16
"""Tokens of the published model."""


@torch.no_grad()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print the result.

    `step`: time of a step that maps, over the time of one that does not; `segment`: the same over 50 steps, including
    the one mapping; `mapping_share`: share of the mapping in a step that maps.
    """
    sizes = read_sizes(__doc__, DEFAULT, QUICK, arguments)
    torch.manual_seed(0)
    width = sizes.width
    model = DynamicGlobalLocalMemory(
        dim=width,
        depth=sizes.layers,
        heads=max(width // 96, 1),
        dim_head=min(width, 96),
        output_dim=width,
        mapping_sizes=(width // 6, width // 3, 2 * width // 3),
    ).eval()
    history, latest = (
        torch.randn(1, 2, sizes.layers, round(sizes.size * tokens / VIDEO), width // 6) for tokens in (GLOBAL, LOCAL)
    )
    signal = torch.randn(2, sizes.size, width)  # the two branches of guidance
    mapped = model.map_memory(history, latest)
    times = median_seconds(
        {
            "every step": lambda: model(history, latest, signal),
            "once": lambda: model.attend(mapped, signal),
            "mapping": lambda: model.map_memory(history, latest),
        },
        repeats=15,
    )
    progress(", ".join(f"{name} {value * 1000:.1f} ms" for name, value in times.items()))
    print_json_line(
        benchmark="memory_attention",
        **vars(sizes),
        step=times["every step"] / times["once"],
        segment=STEPS * times["every step"] / (times["mapping"] + STEPS * times["once"]),
        mapping_share=times["mapping"] / times["every step"],
    )


if __name__ == "__main__":
    main()
