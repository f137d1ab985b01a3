# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of a segment: everything that the denoiser reads besides the noisy latents (paper Fig. 2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from .memory import MappedMemory
from .transformer import RotaryEmbedding

OFS = 2.0
"""CogVideoX-1.5's constant offset embedding."""


@dataclass(frozen=True)
class Conditions:
    """Conditions of a batch of segments.

    text: features of the prompts, [B, L, D].
    sketch, image: latents [B, F, C, h, w]; frame 0 belongs to the reference.
    rotary: from `rotary_embedding`.
    memory: from `DynamicGlobalLocalMemory.map_memory`; None if there is no memory.
    """

    text: torch.Tensor
    sketch: torch.Tensor
    image: torch.Tensor
    rotary: RotaryEmbedding
    memory: MappedMemory | None = None

    def repeat_interleave(self, times: int) -> "Conditions":
        """Repeat each segment of the batch, one copy after the other."""
        text, sketch, image = (part.repeat_interleave(times, 0) for part in (self.text, self.sketch, self.image))
        memory = self.memory and [tuple(part.repeat_interleave(times, 0) for part in layer) for layer in self.memory]
        return replace(self, text=text, sketch=sketch, image=image, memory=memory)

    def tensors(self) -> list[torch.Tensor]:
        """Return all tensors, from which `from_tensors` makes the conditions again."""
        return [
            self.text,
            self.sketch,
            self.image,
            *self.rotary,
            *(part for layer in self.memory or () for part in layer),
        ]

    @classmethod
    def from_tensors(cls, tensors: Sequence[torch.Tensor]) -> "Conditions":
        """Make the conditions of `tensors` again."""
        text, sketch, image, cosines, sines, *memory = tensors
        layers = list(zip(memory[::2], memory[1::2], strict=True))
        return cls(text, sketch, image, (cosines, sines), layers or None)
