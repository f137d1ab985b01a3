# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `memory`: DGLM learns to use what Video-XL remembers of the true colors of earlier drawings (§3.2.2, §4.1).

Everything else is frozen, Video-XL too. `joint` trains Video-XL as well, for a stack whose Video-XL has not learned to
describe.
"""

from pathlib import Path
from typing import Literal

import torch

from server.longanimation.pipeline import MEMORY_HEAD, MEMORY_TAIL

from ..hints import Hints
from ..samples import SampleShape
from ..stack import load_stack
from ..stage import Settings, train_stage
from .sketch import HINT_SHARE, DenoisingStage, Given, Memory, make_hints, model_dtype

MemoryChoice = Literal["local", "global", "both"]
"""What DGLM reads: the latest drawings, all earlier ones, or both (Table 2 of the paper compares them)."""


class MemoryStage(DenoisingStage):
    """The sketch stage's loss, with memory added to the control signal.

    reinitialized: see `load_stack`.
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
    ) -> None:
        if not shape.history:
            raise ValueError("--history 0 leaves nothing to remember: take 1 or more.")
        pipeline = load_stack(folder, settings.base, reinitialized, dtype=model_dtype(settings))
        super().__init__(pipeline, learned, shape, hints, settings.base is None, settings.recompute)
        self.kind = kind
        self.local = shape.local
        self.head, self.tail = (
            pipeline.video_tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids[0]
            for text in (MEMORY_HEAD, MEMORY_TAIL)
        )

    def to(self, device: torch.device) -> None:
        """See `Stage`."""
        super().to(device)
        self.head, self.tail = self.head.to(device), self.tail.to(device)

    def given(self, batch: dict) -> Given:
        """Encode the conditions of a batch; its history is uint8 [B, F, H, W, 3]."""
        return super().given(batch)._replace(memory=self.remember(batch["history"]))

    def remember(self, history: torch.Tensor) -> Memory:
        frames = history.permute(0, 1, 4, 2, 3).float() / 255
        everything = None if self.kind == "local" else self._read(frames)
        latest = None if self.kind == "global" else self._read(frames[:, -self.local :])
        return (latest, None) if everything is None else (everything, latest)  # type: ignore[return-value]

    def _read(self, videos: torch.Tensor) -> torch.Tensor:
        read = [self.pipeline.video_xl.read_video(self.head, video, self.tail) for video in videos]
        return torch.cat(read).float()


def train_memory(
    folder: Path,
    shape: SampleShape,
    settings: Settings,
    hint_share: float = HINT_SHARE,
    kind: MemoryChoice = "both",
    joint: bool = False,
) -> None:
    """Train the stage and write the averaged weights into `folder`, which holds the sketch stage's, or has a base."""
    learned = ("dynamic_memory", "video_xl") if joint else ("dynamic_memory",)
    stage = MemoryStage(folder, shape, settings, make_hints(folder, hint_share), kind, learned, reinitialized=learned)
    train_stage("memory", folder, stage, settings)
