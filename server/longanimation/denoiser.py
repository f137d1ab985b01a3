# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoiser: the networks that predict the velocity of noisy latents (paper Fig. 2)."""

from dataclasses import dataclass

import torch

from .conditions import OFS, Conditions
from .context_parallel import Share, share_tokens
from .memory import DynamicGlobalLocalMemory
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel


@dataclass(frozen=True)
class Denoiser:
    """SketchDiT makes the control signal, DGLM adds memory to it, and the transformer predicts v with it.

    dynamic_memory: may be None where no conditions have memory.
    """

    sketch_dit: SketchDiT
    dynamic_memory: DynamicGlobalLocalMemory | None
    transformer: LongAnimationTransformer3DModel

    def take(self, share: Share) -> None:
        """Work on a share of the video tokens from now on. DGLM adds memory to each token alone, so it does, too."""
        share_tokens(self.sketch_dit, share)
        share_tokens(self.transformer, share)

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor, given: Conditions) -> torch.Tensor:
        """Return v of latents [B, F, C, h, w] at timesteps [B], in float32."""
        ofs = torch.full((1,), OFS, device=noisy.device, dtype=given.text.dtype)
        hybrid = torch.cat([given.sketch, given.image], dim=2)
        control = self.sketch_dit(hybrid, given.text, timestep, ofs, given.rotary)
        if given.memory is not None:
            control = control + self.dynamic_memory.attend(given.memory, control)  # type: ignore[union-attr]
        (velocity,) = self.transformer(
            torch.cat([noisy, given.image], dim=2), given.text, timestep, ofs, given.rotary, control, return_dict=False
        )
        return velocity.float()
