# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `reward`: the Color Consistency Reward refines the weights of the earlier stages (§3.2.3, §4.1).

No gradient passes through reward or VAE (Eq. 2). Each shot of a batch is colored several times. The steps that led to a
better coloring than the others become more likely. The reward is the negative of Eq. 5's distance. The paper does not
say which weights it refines. Here they are those of SketchDiT and DGLM, with CogVideoX and Video-XL frozen as before.
Nor does it say how colorings are sampled. On a base, they are sampled as at inference.
"""

from dataclasses import replace
from pathlib import Path

import torch

from server.longanimation.reward import ColorConsistencyReward, policy_gradient_loss, step_log_probability
from server.longanimation.video_memory import Ratio

from ..hints import HINT_SHARE, Hints, make_hints
from ..samples import SampleShape
from ..stage import Settings, train_stage
from .denoising import Guidance
from .memory import MemoryChoice, MemoryStage

LEARNED = ("sketch_dit", "dynamic_memory")
LIKELIHOODS = 2
"""The number of random steps of a sampling whose likelihood stands for all steps, to limit memory and time."""


class RewardStage(MemoryStage):
    """Policy gradient on sampled colorings.

    colorings: number of colorings of each shot. steps: number of sampling steps. guidance: scale of classifier-free
    guidance; 1 samples without. All samples have their text, because guidance subtracts what has none.
    """

    def __init__(
        self,
        folder: Path,
        shape: SampleShape,
        settings: Settings,
        hints: Hints | None,
        kind: MemoryChoice,
        colorings: int,
        steps: int,
        guidance: float,
        ratio: Ratio | None = None,
    ) -> None:
        if colorings < 2 or steps < 2:
            raise ValueError(
                f"--colorings {colorings} and --sampling {steps} must be 2 or more: colorings are compared with each "
                "other, and the last step has no likelihood."
            )
        shape = replace(shape, recipe=replace(shape.recipe, wordless=0.0))
        super().__init__(folder, shape, settings, hints, kind, LEARNED, reinitialized=(), ratio=ratio)
        self.colorings, self.steps, self.guidance_scale = colorings, steps, guidance

    def loss(self, batch: dict) -> torch.Tensor:
        """Return the loss whose gradient is −Eq. 2, averaged over shots."""
        given = self.conditions(batch).repeat_interleave(self.colorings)
        guidance = self.guidance(len(given.text))
        chosen = sorted(torch.randperm(self.steps - 1)[:LIKELIHOODS].tolist())
        sampled = self.sample(given, self.steps, guidance=guidance, kept=chosen)
        rewards = self.rewards(sampled[-1].drawn, batch).unflatten(0, (-1, self.colorings))
        self.measures["reward"] = rewards.mean().item()
        likelihoods = []
        for step in sampled[:-1]:
            mean, deviation, _ = self.step(
                step.timestep, step.timestep_before, step.clean_before, step.latents, given, guidance
            )
            likelihoods.append(step_log_probability(step.drawn, mean, deviation).unflatten(0, (-1, self.colorings)))
        weight = (self.steps - 1) / len(chosen)
        shots = zip(rewards, torch.stack(likelihoods, dim=1), strict=True)
        return weight * torch.stack([policy_gradient_loss(reward, of.unbind()) for reward, of in shots]).mean()

    def guidance(self, count: int) -> Guidance | None:
        """Return the guidance of a batch of `count` colorings, None at scale 1."""
        if self.guidance_scale == 1:
            return None
        negative = self.pipeline.text_features([""]).expand(count, -1, -1)
        return Guidance(self.guidance_scale, negative)

    @torch.no_grad()
    def rewards(self, latents: torch.Tensor, batch: dict) -> torch.Tensor:
        """Return the reward of each coloring's clean latents [B · colorings, F, C, h, w].

        Both videos are read at Video-XL's own ratio: Eq. 5 compares beacons one by one, and a dynamic ratio would give
        the two videos different ones.
        """
        reward = ColorConsistencyReward(self.pipeline.video_xl, *self.prompt)
        true = batch["color"][:, 1:].permute(0, 1, 4, 2, 3).float() / 255
        return reward(true.repeat_interleave(self.colorings, 0), self.pipeline.decode_video(latents[:, 1:]))


def train_reward(
    folder: Path,
    shape: SampleShape,
    settings: Settings,
    hint_share: float = HINT_SHARE,
    kind: MemoryChoice = "both",
    colorings: int = 4,
    steps: int = 4,
    guidance: float = 1.0,
    ratio: Ratio | None = None,
) -> None:
    """Train the stage and write the averaged weights into `folder`, which must have the memory stage's weights unless
    there is a base."""
    hints = make_hints(folder, hint_share)
    stage = RewardStage(folder, shape, settings, hints, kind, colorings, steps, guidance, ratio)
    arguments = {"shape": shape, "hints": hint_share, "memory": kind, "ratio": ratio}
    sampling = {"colorings": colorings, "sampling": steps, "guidance": guidance}
    train_stage("reward", folder, stage, settings, **arguments, **sampling)
