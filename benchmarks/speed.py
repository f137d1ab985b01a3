# SPDX-License-Identifier: GPL-3.0-or-later
"""The gain and the loss of each method to sample faster, compared with all steps, guided, with nothing left out.

`tiny`: on the tiny preset and cartoon clips that it was not trained on: times faster, PSNR to the exact result and to
the true colors. The time is processor time, which a busy machine distorts less, of a segment without its decoding.
"other noise" is for comparison: the exact result from another seed. `wide`: times faster on a stack of random weights,
from the measured cost of a step with and without guidance. It leaves out the caches, which skip parts of a step.

--width: width of the random stack; --layers: layers of its transformer (SketchDiT has a seventh of them, at least
one); --size: height of the pictures in pixels; --steps: steps of the exact result, 50 by default; --compile: also
measure `torch.compile` of the random transformer's blocks, which needs a C++ compiler.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

import torch
from diffusers import FirstBlockCacheConfig, TaylorSeerCacheConfig
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from server.longanimation import LongAnimationPipeline
from server.longanimation.rotary import rotary_embedding
from server.longanimation.sampling_schedule import DRAFT, EXACT, FINAL, SamplingSchedule
from server.longanimation.sketch import image_signal, sketch_signal
from server.presets.preset import find_preset
from server.training.samples import SampleShape, draw_sample

from .measure import Sizes, median_seconds, print_json_line, progress, read_sizes
from .stack import random_pipeline

DEFAULT = Sizes(width=512, layers=14, size=64)
QUICK = Sizes(width=64, layers=1, size=16)
STEPS, QUICK_STEPS = 50, 2
GUIDANCE, DRAWINGS = 6.0, 5
CLIPS = (910_000_000, 910_000_001)
"""Seeds far beyond those of training, and not among those that were used to choose the qualities."""

ATTENTION = r"transformer_blocks\.\d+\.attn1"
LEVERS: dict[str, tuple[float, SamplingSchedule]] = {
    "half the steps": (0.5, EXACT),
    "a fifth of the steps": (0.2, EXACT),
    "guidance ends at 0.7": (1, replace(EXACT, guidance=(0.0, 0.7))),
    "model every 3": (1, replace(EXACT, model_every=3, first=3, last=3)),
    "model every 8": (1, replace(EXACT, model_every=8, last=3)),
    "first-block cache 0.3": (1, replace(EXACT, cache=FirstBlockCacheConfig(threshold=0.3))),
    "TaylorSeer of attention": (
        1,
        replace(EXACT, cache=TaylorSeerCacheConfig(cache_interval=2, cache_identifiers=[ATTENTION])),
    ),
    "final": (1, FINAL),
    "draft": (1, DRAFT),
}
"""The share of the exact result's steps, and what they leave out."""


def psnr(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the PSNR in decibels for values in 0..1, at most 100 (for equal values)."""
    return float(-10 * ((one - other) ** 2).mean().clamp(min=1e-10).log10())


@torch.no_grad()
def color(
    pipeline: LongAnimationPipeline, sample: dict, steps: int, schedule: SamplingSchedule, seed: int = 0
) -> tuple[torch.Tensor, float]:
    """Color a sample. Returns its frames [F, 3, H, W], and the processor time without decoding them, in seconds."""
    height, width = sample["line_art"].shape[1:]
    binary = find_preset("tiny").binary_sketches
    sketches = torch.stack([sketch_signal(drawing, height, width, binary) for drawing in sample["line_art"]])
    begun = time.process_time()
    output = pipeline(
        references=image_signal(sample["color"][0], height, width)[None],
        reference_sketch=sketches[0],
        sketches=sketches[1:],
        prompt=sample["prompt"] or "a cartoon",
        num_inference_steps=steps,
        guidance_scale=GUIDANCE,
        schedule=schedule,
        generator=torch.Generator().manual_seed(seed),
        output_type="latent",
    )
    spent = time.process_time() - begun
    return pipeline.decode_video(output.latents)[0], spent


def measure_tiny(height: int, steps: int) -> dict[str, dict[str, float]]:
    """Color the clips with every method. Returns means over clips."""
    pipeline = LongAnimationPipeline.from_pretrained(find_preset("tiny").folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    width = round(height * 16 / 9 / pipeline.geometry.multiple) * pipeline.geometry.multiple
    rows: dict[str, list[dict[str, float]]] = {}
    for clip in CLIPS:
        sample = draw_sample(clip, SampleShape(DRAWINGS, height, width))
        truth = torch.from_numpy(sample["color"][1:]).permute(0, 3, 1, 2) / 255
        exact, exact_seconds = color(pipeline, sample, steps, EXACT)
        other, _ = color(pipeline, sample, steps, EXACT, seed=1)
        rows.setdefault("exact", []).append({"to_truth": psnr(exact, truth)})
        rows.setdefault("other noise", []).append({"to_exact": psnr(other, exact), "to_truth": psnr(other, truth)})
        for name, (share, schedule) in LEVERS.items():
            found, spent = color(pipeline, sample, max(round(share * steps), 1), schedule)
            row = {
                "faster": exact_seconds / spent,
                "to_exact": psnr(found, exact),
                "to_truth": psnr(found, truth),
            }
            progress(f"clip {clip}, {name}: " + ", ".join(f"{key} {value:.2f}" for key, value in row.items()))
            rows.setdefault(name, []).append(row)
    return {name: {key: mean(row[key] for row in found) for key in found[0]} for name, found in rows.items()}


@torch.no_grad()
def measure_wide(sizes: Sizes, steps: int, compiled: bool) -> dict[str, float]:
    """Weight the steps of every method by the cost of the parts that run in them."""
    pipeline = random_pipeline(sizes.width, sizes.layers)
    transformer, sketch_dit = pipeline.transformer, pipeline.sketch_dit
    frames, rows, columns = 2 * DRAWINGS, sizes.size // 8, sizes.size // 4
    rotary = rotary_embedding(transformer, frames, rows, columns)

    def inputs(batch: int) -> tuple[torch.Tensor, ...]:
        return (
            torch.randn(batch, frames, transformer.config.in_channels, rows, columns),
            torch.randn(batch, transformer.config.max_text_seq_length, transformer.config.text_embed_dim),
            torch.full((batch,), 500),
            torch.full((1,), 2.0),
        )

    guided, plain = inputs(2), inputs(1)
    calls = {
        "guided": lambda: transformer(*guided, rotary, sketch_dit(*guided, rotary)),
        "plain": lambda: transformer(*plain, rotary, sketch_dit(*plain, rotary)),
    }
    cost = median_seconds(calls, repeats=3)

    def total(share: float, schedule: SamplingSchedule) -> float:
        count = max(round(share * steps), 1)
        return sum(
            cost["guided" if schedule.guides(index, count) else "plain"]
            for index in range(count)
            if schedule.runs_model(index, count)
        )

    found = {name: total(1, EXACT) / total(*lever) for name, lever in LEVERS.items() if lever[1].cache is None}
    if compiled:
        transformer.compile_repeated_blocks()
        sketch_dit.compile_repeated_blocks()
        found["compiled blocks"] = cost["guided"] / median_seconds(calls, repeats=3)["guided"]
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print the result."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--quick", action="store_true")
    own, others = parser.parse_known_args(arguments)
    sizes = read_sizes(__doc__, DEFAULT, QUICK, [*others, *["--quick"] * own.quick])
    steps = own.steps or (QUICK_STEPS if own.quick else STEPS)
    torch.manual_seed(0)
    wide = measure_wide(sizes, steps, own.compile)
    print_json_line(benchmark="speed", **vars(sizes), steps=steps, tiny=measure_tiny(sizes.size, steps), wide=wide)


if __name__ == "__main__":
    main()
