# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in several processes: two stages on a base, with the frozen modules whole and in shards.

`accelerate launch … -m tests.training.sharded_runs BASE OUTPUT` writes what each run trained to OUTPUT, and what is
frozen in the first process to OUTPUT/frozen.json.
"""

import json
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from torch.distributed.tensor import DTensor

from server.training.recipe import PAPER
from server.training.samples import SampleShape
from server.training.stage import Settings
from server.training.stages.memory import MemoryStage, train_memory
from server.training.stages.reward import train_reward

SHAPE = SampleShape(drawings=9, height=32, width=32, history=6, recipe=PAPER)


def frozen_numbers(base: Path, output: Path, settings: Settings) -> dict[str, list[int]]:
    """How many numbers of each frozen module this process keeps, and how many there are."""
    stage = MemoryStage(output, SHAPE, settings, None, "both", ("dynamic_memory",), ("dynamic_memory",), None)
    stage.to(PartialState().device)
    counts = {}
    for name in ("text_encoder", "transformer", "sketch_dit", "video_xl", "vae"):
        weights = list(getattr(stage.pipeline, name).parameters())
        kept = [weight.to_local() if isinstance(weight, DTensor) else weight for weight in weights]
        counts[name] = [sum(weight.numel() for weight in part) for part in (kept, weights)]
    return counts


def main(base: Path, output: Path) -> None:
    counts = {}
    for name, shard in (("whole", False), ("sharded", True)):
        settings = Settings(batch=1, workers=0, steps=2, base=base, recompute=True, shard=shard, pictures=1e9)
        folder = output / name
        torch.manual_seed(0)  # DGLM's initial weights
        train_memory(folder, SHAPE, settings, 0.0)
        train_reward(folder, SHAPE, settings, 0.0, colorings=2, steps=3, guidance=6.0)
        counts[name] = frozen_numbers(base, folder, settings)
    if PartialState().is_main_process:
        (output / "frozen.json").write_text(json.dumps(counts), encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
