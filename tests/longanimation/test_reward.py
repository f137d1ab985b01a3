# SPDX-License-Identifier: GPL-3.0-or-later
"""The Color Consistency Reward is the negative of Eq. 5, and following Eq. 2 raises it."""

import pytest
import torch

from benchmarks.stack import random_pipeline
from server.longanimation.prompts import MEMORY_HEAD, MEMORY_TAIL
from server.longanimation.reward import (
    ColorConsistencyReward,
    color_consistency_distance,
    policy_gradient_loss,
    step_log_probability,
)


def test_the_distance_is_equation_five() -> None:
    reference, generated = torch.zeros(2, 2, 3, 4, 5), torch.zeros(2, 2, 3, 4, 5)
    generated[1, 0, 2] = 2.0  # 20 elements of one layer's keys
    generated[1, 1, 0, 0] = 1.0  # 5 elements of another's values
    assert color_consistency_distance(reference, generated).tolist() == [0, 85]


def test_videos_of_other_lengths_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        color_consistency_distance(torch.zeros(1, 2, 3, 4, 5), torch.zeros(1, 2, 3, 6, 5))


def test_the_nearer_the_colors_the_higher_the_reward() -> None:
    pipeline = random_pipeline()
    head, tail = (pipeline.video_tokenizer(t, return_tensors="pt").input_ids[0] for t in (MEMORY_HEAD, MEMORY_TAIL))
    reward = ColorConsistencyReward(pipeline.video_xl, head, tail)
    true = torch.rand(1, 5, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    tinted = [(true + true.new_tensor([strength, 0, 0]).view(3, 1, 1)).clamp(0, 1) for strength in (0, 0.2, 0.8)]
    rewards = [float(reward(true, video)) for video in tinted]
    assert rewards[0] == 0
    assert rewards[0] > rewards[1] > rewards[2]


def test_the_likelihood_of_a_step_is_the_gaussians() -> None:
    latents, mean = torch.randn(2, 3, 4, 5, 6), torch.randn(2, 3, 4, 5, 6)
    found = step_log_probability(latents, mean, torch.tensor(0.7))
    expected = torch.distributions.Normal(mean, 0.7).log_prob(latents).flatten(1).mean(1)
    assert torch.allclose(found, expected, atol=1e-5)


def test_following_the_policy_gradient_brings_the_reward_up() -> None:
    torch.manual_seed(0)
    target, mean, deviation = 1.5, torch.zeros(8, requires_grad=True), torch.tensor(0.5)
    optimizer = torch.optim.SGD([mean], lr=2.0)
    for _ in range(100):
        with torch.no_grad():
            latents = mean + deviation * torch.randn(32, 8)
            rewards = -((latents - target) ** 2).sum(1)
        loss = policy_gradient_loss(rewards, [step_log_probability(latents, mean.expand(32, -1), deviation)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (mean - target).abs().mean() < 0.3
