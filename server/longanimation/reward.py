# SPDX-License-Identifier: GPL-3.0-or-later
"""Color Consistency Reward (paper §3.2.3, Eq. 5) and the policy gradient that optimizes it (§3.1, Eq. 2)."""

import math
from collections.abc import Sequence

import torch

from .video_xl import VideoXL


def color_consistency_distance(reference: torch.Tensor, generated: torch.Tensor) -> torch.Tensor:
    """Return Eq. 5, [B]: the sum over layers of the squared distances between keys, and between values.

    reference, generated: from `VideoXL.read` for videos of one length, [B, 2 (K, V), layers, N, width].
    The paper calls the distance r; training reduces it.
    """
    if reference.shape != generated.shape:
        raise ValueError(
            f"The memories of the reference {list(reference.shape)} and of the generated video {list(generated.shape)} "
            "differ in shape: read both at one ratio from videos of as many frames."
        )
    return (reference.float() - generated.float()).square().flatten(1).sum(1)


class ColorConsistencyReward:
    """The similarity of the colors of generated videos to those of their references, as Video-XL sees them.

    Self-attention is a low-pass filter, so keys and values hold colors rather than lines (§3.2.3). The reward is the
    negative of Eq. 5. A larger reward is better. The reference itself has the reward 0.

    head_ids, tail_ids: Video-XL's tokens before and after the frames, as for the memory.
    """

    def __init__(self, video_xl: VideoXL, head_ids: torch.Tensor, tail_ids: torch.Tensor) -> None:
        self.video_xl = video_xl
        self.head_ids = head_ids
        self.tail_ids = tail_ids

    @torch.no_grad()
    def __call__(self, references: torch.Tensor, generated: torch.Tensor) -> torch.Tensor:
        """Return the reward [B] of videos [B, F, 3, H, W] in 0..1."""
        return -color_consistency_distance(self._read(references), self._read(generated))

    def _read(self, videos: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.video_xl.read_video(self.head_ids, video, self.tail_ids) for video in videos])


def step_log_probability(latents: torch.Tensor, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """log p(z_{t−1} | z_t) of latents [B, F, C, h, w] that a denoising step drew, averaged over their elements: [B].

    mean, deviation: the step's Gaussian, from `solver.solve_step`; the last step has no noise and no likelihood.
    """
    log_density = -((latents - mean) ** 2) / (2 * deviation**2) - deviation.log() - 0.5 * math.log(2 * math.pi)
    return log_density.flatten(1).mean(1)


def policy_gradient_loss(rewards: torch.Tensor, log_probabilities: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the loss whose gradient is −Eq. 2; no gradient passes through the reward or the VAE.

    rewards: [B], of videos of the same shot. Their mean is subtracted and they are scaled to unit deviation, as in
        DDPO. This changes the size of the gradient but not its mean direction.
    log_probabilities: [B] for each denoising step, with gradients.
    """
    advantages = rewards - rewards.mean()
    advantages = advantages / (advantages.square().mean().sqrt() + 1e-8)
    return -(advantages.detach() * torch.stack(list(log_probabilities)).sum(0)).mean()
