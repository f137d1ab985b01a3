# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of the pipeline in addition to its modules: one segment compared with the plain sum of their forwards.

--width, --layers: width and layers of the denoiser; SketchDiT has a seventh of the layers. --size: height of the
frames, 3:2.
"""

from collections.abc import Callable, Sequence

import torch

from server.longanimation import LongAnimationPipeline
from server.longanimation.conditions import OFS
from server.longanimation.rotary import rotary_embedding

from .measure import Sizes, median_seconds, print_json_line, progress, read_sizes
from .stack import random_pipeline

STEPS, DRAWINGS = 4, 25


def plain_sum(pipeline: LongAnimationPipeline, images: torch.Tensor, memory: list) -> Callable[[], None]:
    """Return a function that runs every module as often as a guided segment must, and nothing else."""
    reference, sketch, sketches = images[:1], images[1:2], images[2:]
    latents = torch.cat([pipeline.encode_sketches(sketch[0], sketches)] * 2)
    both = torch.cat([latents, latents], dim=2)
    text = pipeline.encode_prompt("").repeat(2, 1, 1)
    times, ofs = torch.full((2,), 500), torch.full((1,), OFS)
    rotary = rotary_embedding(pipeline.transformer, both.shape[1], *both.shape[3:])
    videos = [part.transpose(0, 1)[None] for part in (reference, sketch, sketches)]

    @torch.no_grad()
    def run() -> None:
        for _ in ("prompt", "negative prompt"):
            pipeline.encode_prompt("")
        for video in videos:
            pipeline.vae.encode(video)
        for _ in range(STEPS):
            control = pipeline.sketch_dit(both, text, times, ofs, rotary)
            pipeline.dynamic_memory.attend(memory, control)
            pipeline.transformer(both, text, times, ofs, rotary, control)
        pipeline.vae.decode(latents[:1, 1:].transpose(1, 2))

    return run


@torch.no_grad()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_sizes(__doc__, Sizes(256, 8, 128), Sizes(64, 2, 32), arguments)
    pipeline = random_pipeline(sizes.width, sizes.layers)
    images = torch.rand(2 + DRAWINGS, 3, sizes.size, sizes.size * 3 // 2) * 2 - 1
    history = [pipeline.remember(None, torch.rand(40, 3, 32, 48))]
    memory = pipeline.map_memory(history, history)
    plain = plain_sum(pipeline, images, memory)
    calls = {
        "pipeline": lambda: pipeline(images[:1], images[1], images[2:], num_inference_steps=STEPS, memory=memory),
        "modules": plain,
    }
    progress(f"a segment of {DRAWINGS} drawings, {STEPS} steps, alternating with its modules")
    times = median_seconds(calls)
    print_json_line(benchmark="segment", **vars(sizes), pipeline_over_modules=times["pipeline"] / times["modules"])


if __name__ == "__main__":
    main()
