# SPDX-License-Identifier: GPL-3.0-or-later
"""Color Consistency Fusion (paper §3.4, Eq. 6): smooth transitions between segments, late in the denoising."""

import torch

FUSED_LATENTS = 4
"""C: how many latents of the previous segment are blended into the next one."""

FUSION_START = 0.6
"""Share of the steps that pass before fusion begins: the last 20 of 50 are fused (paper: t_st = 20, Table 3)."""

RESEARCH_FUSION_START = 0.62
"""The same in the research code, which fuses after the steps i > 30 of 50, the last 19."""


def color_consistency_fusion(latents: torch.Tensor, previous_tail: torch.Tensor) -> torch.Tensor:
    """Blend the end of the previous segment into the beginning of this one.

    latents: [B, F, C, h, w] after a denoising step, frame 0 the reference. previous_tail: [B, 4, C, h, w], the previous
    segment's last latents after the same step, fusion included; they must cover the same drawings as latents 2..5 here.
    Eq. 6: `z[k+1] = 0.2 (5 − k) prev[k−1] + 0.2 k z[k+1]` for k = 1..4.
    """
    fused = latents.clone()
    for k in range(1, FUSED_LATENTS + 1):
        fused[:, k + 1] = 0.2 * (5 - k) * previous_tail[:, k - 1] + 0.2 * k * latents[:, k + 1]
    return fused
