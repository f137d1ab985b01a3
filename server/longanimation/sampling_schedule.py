# SPDX-License-Identifier: GPL-3.0-or-later
"""Sampling schedules: which parts a denoising step leaves out, or reuses from the steps before it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from diffusers import FirstBlockCacheConfig, TaylorSeerCacheConfig

from .transformer import LongAnimationTransformer3DModel


@dataclass(frozen=True)
class SamplingSchedule:
    """The parts that sampling may leave out for speed. All counts are in denoising steps, so that a preset of few steps
    hardly changes. The steps and their noise stay those of the exact result, so that every schedule shows the same
    take.

    model_every: the model, including SketchDiT and DGLM, runs in every n-th step, counted from the last. In the other
        steps, `forecast_clean` replaces it.
    first, last: number of steps at the beginning and at the end that always run the model.
    guidance: share of the steps after which guidance begins, and after which it ends (Kynkäänniemi et al., 2024,
        arXiv 2404.07724). Outside that range, only the conditional half of the batch is run.
    cache: a Diffusers cache that keeps its state by cache context, because the batch changes with guidance.
    """

    model_every: int = 1
    first: int = 1
    last: int = 1
    guidance: tuple[float, float] = (0.0, 1.0)
    cache: FirstBlockCacheConfig | TaylorSeerCacheConfig | None = None

    def runs_model(self, index: int, steps: int) -> bool:
        """Whether the model runs in step `index` of `steps`."""
        at_an_end = index < self.first or index >= steps - self.last
        return at_an_end or (steps - 1 - index) % self.model_every == 0

    def guides(self, index: int, steps: int) -> bool:
        """Whether guidance is applied in step `index` of `steps`."""
        start, end = self.guidance
        return start <= index / steps < end

    @contextmanager
    def applied(self, transformer: LongAnimationTransformer3DModel) -> Iterator[None]:
        """Enable the transformer's cache for one segment. Afterward the transformer is as before.

        Raises ValueError for a cache if several processes share the tokens: each would choose by its own what to leave
        out.
        """
        if self.cache is None:
            yield
            return
        if transformer.share.size > 1:
            raise ValueError("A schedule with a cache is for one GPU: choose another one, or `context_parallel` 1.")
        transformer.enable_cache(self.cache)
        try:
            yield
        finally:
            transformer.disable_cache()


EXACT = SamplingSchedule()
"""Runs every step in full. The other schedules are compared with it."""

FINAL = SamplingSchedule(model_every=3, first=3, last=3, guidance=(0.0, 0.7))
"""Of 50 steps, 21 run the model, 14 of them with guidance: a third of the cost. On the tiny preset, the PSNR to the
true colors stays within 0.1 dB of the exact result's."""

DRAFT = SamplingSchedule(model_every=8, last=3, guidance=(0.0, 0.5))
"""For a first look at a take: of 50 steps, 10 run the model, 4 of them with guidance: a seventh of the cost."""

SCHEDULES = {"exact": EXACT, "final": FINAL, "draft": DRAFT}


def forecast_clean(known: Sequence[tuple[int, torch.Tensor]], timestep: int) -> torch.Tensor:
    """Extrapolate the clean latents to a step in which the model does not run, linearly in time from earlier steps.

    The solver adds fresh noise in every step, so velocities do not carry over, but the clean latents that they imply
    do. known: timestep and clean latents of the last two steps in which the model ran, or of one, which is returned
    unchanged.
    """
    (before, clean_before), (last, clean) = known[0], known[-1]
    if before == last:
        return clean
    return clean + (clean - clean_before) * ((timestep - last) / (last - before))
