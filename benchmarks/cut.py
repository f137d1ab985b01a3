# SPDX-License-Identifier: GPL-3.0-or-later
"""What Color Consistency Fusion does to the cut between two segments (paper §3.3): the jump there, on cartoons that the
preset `tiny` was not trained on, without fusion and with it.

The jump is the mean absolute difference, in levels of 0..255, between the last drawing that one segment delivers and
the first one that the next segment delivers. It includes what moves. The model paints alone, without the line matcher,
in the artist's colors. --steps: denoising steps; in the preset's two steps, fusion could hardly act. --size: height of
the drawings. Takes some minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from server.longanimation import FUSION_START, LongAnimationPipeline, LongShot
from server.longanimation.sketch import image_signal, sketch_signal
from server.presets.preset import find_preset
from server.training.cartoon import draw_clip

from .measure import print_json_line, progress, read_sizes

SEEDS = (910_000_002, 910_000_003, 910_000_004, 910_000_005)
"""Seeds far beyond those of training."""
NO_FUSION = 1.0


@dataclass(frozen=True)
class CutSizes:
    """The size of the drawings, and the steps."""

    size: int
    steps: int


def jump_at_cut(pipeline: LongAnimationPipeline, seed: int, sizes: CutSizes, fusion_start: float) -> float:
    """Color the cartoon of a seed in two segments. Return the jump between them."""
    preset = find_preset("tiny")
    multiple = pipeline.geometry.multiple
    height, width = (round(side / multiple) * multiple for side in (sizes.size, sizes.size * 16 / 9))
    clip = draw_clip(seed, 2 * preset.segment - 5, width, height)
    shot = LongShot(
        pipeline,
        [sketch_signal(line_art, height, width, preset.binary_sketches) for line_art in clip.line_art],
        {0: image_signal(clip.colors[clip.labels[0]], height, width)[None]},
        prompt=pipeline.cut_prompt(clip.sentence)[0],
        segment=preset.segment,
        num_inference_steps=sizes.steps,
        guidance_scale=1.0,
        fusion_start=fusion_start,
    )
    before, after = (colored.frames[0].float() for colored in shot.run())
    return (after[0] - before[-1]).abs().mean().item()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print the result."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    sizes = read_sizes(__doc__, CutSizes(80, 10), CutSizes(32, 3), arguments)
    pipeline = LongAnimationPipeline.from_pretrained(find_preset("tiny").folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    jumps = {}
    for seed in SEEDS:
        without, fused = (jump_at_cut(pipeline, seed, sizes, start) for start in (NO_FUSION, FUSION_START))
        jumps[seed] = {"without": without, "with": fused, "share": fused / without}
        progress(f"{seed}: {without:.2f} → {fused:.2f}")
    print_json_line(benchmark="cut", **vars(sizes), jumps=jumps)


if __name__ == "__main__":
    main()
