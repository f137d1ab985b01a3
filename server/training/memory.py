# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `memory`: DGLM learns to use what Video-XL remembers (§3.2.2, §4.1), SketchDiT and denoiser frozen.

The paper starts from a trained Video-XL. The tiny one has seen nothing yet, so it learns here together with DGLM, from
the same loss; its history is the true colours of other drawings of the story.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX
from transformers import T5EncoderModel

from server.longanimation import LongAnimationTransformer3DModel, SketchDiT
from server.longanimation.pipeline import MEMORY_HEAD, MEMORY_TAIL
from server.longanimation.tiny import tiny_memory, tiny_video_tokenizer, tiny_video_xl

from .run import TrainingRun
from .samples import SampleShape, sample_batches
from .sketch import SketchStage

LOCAL_DRAWINGS = 4
"""How many of the latest coloured drawings are the local memory."""


class MemoryStage(SketchStage):
    """The sketch stage's loss, with the control signal completed by memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(AutoencoderKLCogVideoX.from_pretrained(folder / "vae"), compiled=False)
        self.transformer = LongAnimationTransformer3DModel.from_pretrained(folder / "transformer").requires_grad_(False)
        self.sketch_dit = SketchDiT.from_pretrained(folder / "sketch_dit").requires_grad_(False)
        self.text_encoder = T5EncoderModel.from_pretrained(folder / "text_encoder").requires_grad_(False)
        self.dynamic_memory = tiny_memory()
        self.video_xl = tiny_video_xl()
        self.head, self.tail = (
            tiny_video_tokenizer()(text, add_special_tokens=False, return_tensors="pt").input_ids[0]
            for text in (MEMORY_HEAD, MEMORY_TAIL)
        )

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """What is trained, by its name in the pipeline."""
        return {"dynamic_memory": self.dynamic_memory, "video_xl": self.video_xl}

    def control(
        self,
        hidden_states: torch.Tensor,
        text: torch.Tensor,
        timestep: torch.Tensor,
        ofs: torch.Tensor,
        rotary: tuple[torch.Tensor, torch.Tensor],
        history: torch.Tensor,
    ) -> torch.Tensor:
        """SketchDiT's signal plus what DGLM finds in the history uint8 [B, F, H, W, 3]."""
        signal = super().control(hidden_states, text, timestep, ofs, rotary, history)
        frames = history.permute(0, 1, 4, 2, 3).float() / 255
        everything = torch.cat([self._remember(video) for video in frames])
        latest = torch.cat([self._remember(video[-LOCAL_DRAWINGS:]) for video in frames])
        return signal + self.dynamic_memory(everything, latest, signal)

    def _remember(self, frames: torch.Tensor) -> torch.Tensor:
        return self.video_xl.read_video(self.head, frames, self.tail)


def train_memory(folder: Path, minutes: float, shape: SampleShape, batch: int, rate: float) -> None:
    """Train the stage and write the averaged weights into `folder`, which holds the sketch stage's."""
    stage = MemoryStage(folder)
    run = TrainingRun(folder / "memory-run", stage.modules, rate)
    run.train(sample_batches(shape, batch, run.samples), stage.loss, minutes)
    run.load_averages()
    for name, module in stage.modules.items():
        module.save_pretrained(folder / name)
