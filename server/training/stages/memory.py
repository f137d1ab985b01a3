# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `memory`: DGLM learns to use what Video-XL remembers of the true colors of earlier drawings (§3.2.2, §4.1).

Everything else is frozen, including Video-XL. `joint` also trains Video-XL, for a stack whose Video-XL has not learned
to describe.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from server.longanimation.conditions import Conditions
from server.longanimation.prompts import memory_prompt
from server.longanimation.video_memory import Ratio

from ..hints import HINT_SHARE, Hints, make_hints
from ..samples import SampleShape
from ..stack import load_stack
from ..stage import Settings, train_stage
from .denoising import DenoisingStage

MemoryChoice = Literal["local", "global", "both"]
"""The memories that DGLM can read: the latest drawings, all earlier ones, or both. Table 2 of the paper compares
them."""


class MemoryStage(DenoisingStage):
    """The sketch stage's loss, with memory added to the control signal.

    reinitialized: see `load_stack`. ratio: see `VideoXL.start`. Raises ValueError if the history or the batch does not
    fit.
    """

    def __init__(
        self,
        folder: Path,
        shape: SampleShape,
        settings: Settings,
        hints: Hints | None,
        kind: MemoryChoice,
        learned: tuple[str, ...],
        reinitialized: tuple[str, ...],
        ratio: Ratio | None,
    ) -> None:
        if not shape.history:
            raise ValueError("--history 0 leaves nothing to remember: use 1 or more.")
        if ratio == "dynamic" and settings.batch > 1:
            raise ValueError(
                f"With --ratio dynamic, the videos of a batch have memories of different lengths: use --batch 1, and "
                f"--accumulate {settings.batch}."
            )
        if ratio == "dynamic" and settings.shard:
            raise ValueError(
                "With --ratio dynamic, Video-XL runs as often as a video needs, and with --shard, as often in every "
                "process: give a number as --ratio, or leave out --shard."
            )
        pipeline = load_stack(folder, settings.base, reinitialized, dtype=settings.base_dtype)
        super().__init__(pipeline, learned, shape, hints, settings.base is None, settings.recompute, settings.shard)
        self.kind, self.ratio = kind, ratio
        self.local = shape.local
        self.prompt = memory_prompt(pipeline.video_tokenizer)

    def to(self, device: torch.device) -> None:
        """See `Stage`."""
        super().to(device)
        self.prompt = self.prompt.to(device)

    def conditions(self, batch: dict) -> Conditions:
        """Encode the conditions of a batch, whose history is uint8 [B, F, H, W, 3]."""
        memory = self.pipeline.dynamic_memory.map_memory(*self.remember(batch["history"]))
        return replace(super().conditions(batch), memory=memory)

    def remember(self, history: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return what DGLM reads from a history uint8 [B, F, H, W, 3]: global and local memory, or one of them."""
        frames = history.permute(0, 1, 4, 2, 3).float() / 255
        latest = None if self.kind == "global" else self._read(frames[:, -self.local :])
        if self.kind == "local":
            return latest, None  # type: ignore[return-value]
        return self._read(frames), latest

    def _read(self, videos: torch.Tensor) -> torch.Tensor:
        head, tail = self.prompt
        read = [self.pipeline.video_xl.read_video(head, video, tail, self.ratio) for video in videos]
        return torch.cat(read).float()


def train_memory(
    folder: Path,
    shape: SampleShape,
    settings: Settings,
    hint_share: float = HINT_SHARE,
    kind: MemoryChoice = "both",
    joint: bool = False,
    ratio: Ratio | None = None,
) -> None:
    """Train the stage and write the averaged weights into `folder`, which must have the sketch stage's weights unless
    there is a base."""
    learned = ("dynamic_memory", "video_xl") if joint else ("dynamic_memory",)
    hints = make_hints(folder, hint_share)
    stage = MemoryStage(folder, shape, settings, hints, kind, learned, reinitialized=learned, ratio=ratio)
    arguments = {"shape": shape, "hints": hint_share, "memory": kind, "joint": joint, "ratio": ratio}
    train_stage("memory", folder, stage, settings, **arguments)
