# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that leads a companion: `python -m tests.longanimation.leading FOLDER` stops in the middle of a step, while
the companion waits for it."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from server.longanimation import LongAnimationPipeline, LongShot
from server.longanimation.footprint import Workload
from server.longanimation.placement import load_pipeline

WORKLOAD = Workload(48 * 80, 33)


def shot(pipeline: LongAnimationPipeline, steps: int = 2) -> LongShot:
    """A shot of two segments; a segment has 5 · 3 · 5 video tokens, which two processes cannot share evenly."""
    pipeline.set_progress_bar_config(disable=True)
    images = torch.rand(41, 3, 48, 80, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return LongShot(pipeline, images[1:], {0: images[:1]}, "a red coat", segment=33, num_inference_steps=steps)


def color(pipeline: LongAnimationPipeline, callback: Callable[..., Any] | None = None) -> torch.Tensor:
    """Color the shot. Returns its frames, uint8 [1, F, 3, H, W]."""
    whole = shot(pipeline)
    frames = []
    for index in range(len(whole.segments)):
        segment = whole.color(index, callback)
        whole.remember(index, segment.frames, segment.tail)
        frames.append(segment.frames)
    return torch.cat(frames, dim=1)


def stop(*_: Any) -> None:
    """Stop here."""
    sys.stdout.write("in a step\n")
    sys.stdout.flush()
    time.sleep(600)


def main(folder: Path) -> None:
    """Lead, until somebody ends this process."""
    pipeline = load_pipeline(folder, "cpu", Workload(WORKLOAD.pixels, WORKLOAD.drawings, context_parallel=2))
    pipeline.transformer.transformer_blocks[1].register_forward_pre_hook(stop)
    color(pipeline)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
