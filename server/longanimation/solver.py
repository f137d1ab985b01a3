# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of CogVideoX's solver, DPM-Solver++ (2M) of the SDE, as a Gaussian: its mean and its deviation.

`CogVideoXDPMScheduler.step` computes the same, but draws the noise itself, twice in all steps but the first and the
last. Given noise, and the likelihood of a step in Eq. 2, need mean and deviation separately.
"""

import torch
from diffusers import CogVideoXDPMScheduler


def solve_step(
    scheduler: CogVideoXDPMScheduler,
    velocity: torch.Tensor,
    clean_before: torch.Tensor | None,
    timestep: int,
    timestep_before: int | None,
    latents: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return mean, deviation (a number) and the clean latents that the velocity implies.

    The next latents are `mean + deviation · noise`. clean_before, timestep_before: clean latents and timestep of the
    step before, None in the first step.
    """
    next_timestep = timestep - scheduler.config.num_train_timesteps // scheduler.num_inference_steps
    alphas = scheduler.alphas_cumprod
    alpha = alphas[timestep]
    alpha_next = alphas[next_timestep] if next_timestep >= 0 else scheduler.final_alpha_cumprod
    alpha_before = None if timestep_before is None else alphas[timestep_before]

    clean = alpha**0.5 * latents - (1 - alpha) ** 0.5 * velocity
    h, r, _, _ = scheduler.get_variables(alpha, alpha_next, alpha_before)
    keep, gain, *extrapolation = scheduler.get_mult(h, r, alpha, alpha_next, alpha_before)
    deviation = (1 - alpha_next) ** 0.5 * (1 - (-2 * h).exp()) ** 0.5
    target = clean
    if clean_before is not None and next_timestep >= 0:
        target = extrapolation[0] * clean - extrapolation[1] * clean_before
    return keep * latents - gain * target, deviation, clean
