# SPDX-License-Identifier: GPL-3.0-or-later
"""Faster sampling: what the qualities and Diffusers' caches leave out, and that they leave no state behind."""

from dataclasses import replace

import pytest
import torch
from diffusers import FirstBlockCacheConfig, MagCacheConfig, PyramidAttentionBroadcastConfig, TaylorSeerCacheConfig

from benchmarks.speed import color, psnr
from server.longanimation import LongAnimationPipeline, LongAnimationTransformer3DModel, SketchDiT
from server.longanimation.conditions import Conditions
from server.longanimation.denoiser import Denoiser
from server.longanimation.rotary import rotary_embedding
from server.longanimation.sampler import Sampler
from server.longanimation.sampling_schedule import DRAFT, EXACT, FINAL, SCHEDULES, SamplingSchedule, forecast_clean
from server.longanimation.tiny import tiny_scheduler
from server.presets.preset import find_preset
from server.training.samples import SampleShape, draw_sample

CONFIG = {
    "num_attention_heads": 2,
    "attention_head_dim": 16,
    "in_channels": 8,
    "out_channels": 4,
    "time_embed_dim": 16,
    "ofs_embed_dim": 16,
    "text_embed_dim": 16,
    "patch_size": 2,
    "patch_size_t": 1,
    "sample_width": 4,
    "sample_height": 4,
    "sample_frames": 2,
    "temporal_compression_ratio": 1,
    "max_text_seq_length": 3,
    "use_rotary_positional_embeddings": True,
}
STEPS = 10


@pytest.fixture
def transformer() -> LongAnimationTransformer3DModel:
    """Five layers, an odd number, so that control enters after the last one too."""
    torch.manual_seed(0)
    return LongAnimationTransformer3DModel(num_layers=5, **CONFIG).eval()


class Step:
    """Inputs of a denoising step: noisy latents and control differ from seed to seed, the rest does not."""

    def __init__(self, seed: int, batch: int = 2) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.inputs = {
            "hidden_states": torch.randn(batch, 2, 8, 4, 4, generator=generator),
            "encoder_hidden_states": torch.ones(batch, 3, 16),
            "timestep": torch.full((batch,), 500),
            "ofs": torch.full((1,), 2.0),
            "control_signal": torch.randn(batch, 8, 32, generator=generator),
        }

    @torch.no_grad()
    def run(self, transformer: LongAnimationTransformer3DModel, context: str = "cond_uncond") -> torch.Tensor:
        with transformer.cache_context(context):
            return transformer(**self.inputs, return_dict=False)[0]


def blocks_run(transformer: LongAnimationTransformer3DModel) -> list[int]:
    """A list that the index of each block is added to when it computes."""
    ran: list[int] = []
    for index, block in enumerate(transformer.transformer_blocks):
        block.norm1.register_forward_hook(lambda *_, index=index: ran.append(index))
    return ran


def batches_run(model: torch.nn.Module) -> list[int]:
    """A list that the batch size of each forward pass is added to."""
    sizes: list[int] = []
    model.patch_embed.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    return sizes


@pytest.mark.parametrize(
    "cache",
    [
        FirstBlockCacheConfig(threshold=0.0),
        MagCacheConfig(threshold=0.0, retention_ratio=0.0, num_inference_steps=4, mag_ratios=[1.0, 0.9, 0.9, 0.9]),
        TaylorSeerCacheConfig(cache_interval=1, use_lite_mode=True, taylor_factors_dtype=torch.float32),
        PyramidAttentionBroadcastConfig(spatial_attention_block_skip_range=1, current_timestep_callback=lambda: 500),
    ],
    ids=lambda cache: type(cache).__name__,
)
def test_a_cache_that_skips_nothing_changes_nothing(transformer: LongAnimationTransformer3DModel, cache) -> None:
    steps = [Step(seed) for seed in range(4)]
    exact = [step.run(transformer) for step in steps]
    transformer.enable_cache(cache)
    assert all(torch.equal(step.run(transformer), found) for step, found in zip(steps, exact, strict=True))


@pytest.mark.parametrize(
    ("cache", "blocks_that_run"),
    [
        (FirstBlockCacheConfig(threshold=10.0), [0]),
        (MagCacheConfig(threshold=1.0, retention_ratio=0.0, num_inference_steps=4, mag_ratios=[1.0] * 4), []),
    ],
    ids=["FirstBlockCacheConfig", "MagCacheConfig"],
)
def test_a_step_from_the_cache_holds_every_blocks_control_once(
    transformer: LongAnimationTransformer3DModel, cache, blocks_that_run: list[int]
) -> None:
    step = Step(0)
    transformer.enable_cache(cache)
    computed = step.run(transformer)
    ran = blocks_run(transformer)
    assert torch.allclose(step.run(transformer), computed, atol=1e-5)
    assert ran == blocks_that_run


def test_a_step_from_the_first_block_cache_takes_new_control_only_where_it_computes(
    transformer: LongAnimationTransformer3DModel,
) -> None:
    step, other = Step(0), Step(1)
    transformer.enable_cache(FirstBlockCacheConfig(threshold=10.0))
    computed = step.run(transformer)
    step.inputs["control_signal"] = other.inputs["control_signal"]
    cached = step.run(transformer)
    transformer._reset_stateful_cache()
    assert not torch.allclose(cached, computed, atol=1e-3)  # block 0 ran, with the new control
    assert not torch.allclose(cached, step.run(transformer), atol=1e-3)  # the others' is of the step before


def test_guided_and_unguided_steps_do_not_share_a_cache(transformer: LongAnimationTransformer3DModel) -> None:
    guided, alone = Step(0), Step(0, batch=1)
    exact = alone.run(transformer)
    transformer.enable_cache(FirstBlockCacheConfig(threshold=10.0))
    guided.run(transformer)
    assert torch.equal(alone.run(transformer, "cond"), exact)


@pytest.mark.slow
@torch.no_grad()
def test_compiled_blocks_are_the_same_blocks() -> None:
    transformer, step = LongAnimationTransformer3DModel(num_layers=2, **CONFIG).eval(), Step(0)
    exact = step.run(transformer)
    transformer.compile_repeated_blocks(backend="eager")
    assert torch.allclose(step.run(transformer), exact, atol=1e-6)


def sampler(
    transformer: LongAnimationTransformer3DModel, schedule: SamplingSchedule, guidance_scale: float = 6.0
) -> Sampler:
    torch.manual_seed(1)
    sketch_dit = SketchDiT(num_layers=1, **CONFIG).eval()
    torch.nn.init.normal_(sketch_dit.zero_conv.weight)
    scheduler = tiny_scheduler()
    scheduler.set_timesteps(STEPS)
    negative, text = torch.randn(2, 3, 16).split(1)
    given = Conditions(
        text, torch.randn(1, 2, 4, 4, 4), torch.randn(1, 2, 4, 4, 4), rotary_embedding(transformer, 2, 4, 4)
    )
    return Sampler(
        Denoiser(sketch_dit, None, transformer),
        scheduler,
        given,
        negative if guidance_scale != 1.0 else None,
        guidance_scale,
        STEPS,
        schedule,
    )


@torch.no_grad()
def velocities(sampler: Sampler) -> list[torch.Tensor]:
    """The velocities of all steps, each for latents of their own."""
    generator = torch.Generator().manual_seed(2)
    with sampler.schedule.applied(sampler.denoiser.transformer):
        return [
            sampler.velocity(index, timestep, torch.randn(1, 2, 4, 4, 4, generator=generator))
            for index, timestep in enumerate(sampler.scheduler.timesteps.tolist())
        ]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> list[bool]:
    return [torch.allclose(a, b, atol=1e-5) for a, b in zip(one, other, strict=True)]


def test_guidance_ends_where_its_interval_does(transformer: LongAnimationTransformer3DModel) -> None:
    guided = velocities(sampler(transformer, EXACT))
    plain = velocities(sampler(transformer, replace(EXACT, guidance=(0.0, 0.0))))
    part = sampler(transformer, replace(EXACT, guidance=(0.2, 0.5)))
    sizes = batches_run(transformer)
    found = velocities(part)
    assert sizes == [1, 1, 2, 2, 2, 1, 1, 1, 1, 1]
    assert same(found, guided) == [size == 2 for size in sizes]
    assert same(found, plain) == [size == 1 for size in sizes]


def test_without_guidance_only_the_prompt_is_read(transformer: LongAnimationTransformer3DModel) -> None:
    unguided = sampler(transformer, EXACT, guidance_scale=1.0)
    both = sampler(transformer, replace(EXACT, guidance=(0.0, 0.0)))
    assert all(same(velocities(unguided), velocities(both)))


def test_a_step_without_the_model_goes_on_toward_the_forecast(transformer: LongAnimationTransformer3DModel) -> None:
    made = sampler(transformer, SamplingSchedule(model_every=4, first=2, last=2))
    exact = same(velocities(made), velocities(sampler(transformer, EXACT)))
    assert [index for index in range(STEPS) if exact[index]] == [0, 1, 5, 8, 9]

    timestep, latents = 555, torch.randn(1, 2, 4, 4, 4)
    made._known = [(700, torch.zeros(1)), (600, torch.ones(1))]
    velocity = made.velocity(2, timestep, latents)
    alpha = made.scheduler.alphas_cumprod[timestep]
    clean = alpha**0.5 * latents - (1 - alpha) ** 0.5 * velocity
    assert torch.allclose(clean, torch.full_like(clean, 1.45), atol=1e-5)


def test_one_known_step_is_kept_as_it_is() -> None:
    assert forecast_clean([(999, torch.ones(2))], 500).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_every_quality_runs_a_preset_of_two_steps_in_full(schedule: SamplingSchedule) -> None:
    assert schedule.runs_model(0, 2) and schedule.runs_model(1, 2)


def test_exact_leaves_nothing_out_and_draft_more_than_final() -> None:
    ran = {name: sum(q.runs_model(index, 50) for index in range(50)) for name, q in SCHEDULES.items()}
    assert ran["exact"] == 50 > ran["final"] > ran["draft"]
    assert all(EXACT.guides(index, 50) for index in range(50)) and EXACT.cache is None
    assert all(q.runs_model(49, 50) for q in (FINAL, DRAFT)), "the last step makes the picture"


def test_a_cache_is_gone_after_the_segment(transformer: LongAnimationTransformer3DModel) -> None:
    exact = velocities(sampler(transformer, EXACT))
    cached = SamplingSchedule(cache=TaylorSeerCacheConfig(cache_interval=3, use_lite_mode=True))
    first, second = (velocities(sampler(transformer, cached)) for _ in range(2))
    assert not all(same(first, exact)) and all(same(first, second))
    with pytest.raises(KeyboardInterrupt), cached.applied(transformer):
        raise KeyboardInterrupt
    assert all(same(velocities(sampler(transformer, EXACT)), exact))


@pytest.mark.slow
def test_final_is_as_good_as_exact_and_draft_shows_the_same_take() -> None:
    pipeline = LongAnimationPipeline.from_pretrained(find_preset("tiny").folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    sample = draw_sample(920_000_006, SampleShape(drawings=2, height=48, width=80))
    truth = torch.from_numpy(sample["color"][1:]).permute(0, 3, 1, 2) / 255
    exact, final, draft = (color(pipeline, sample, 50, schedule)[0] for schedule in (EXACT, FINAL, DRAFT))
    another_take, _ = color(pipeline, sample, 50, DRAFT, seed=1)
    assert psnr(final, truth) >= psnr(exact, truth) - 0.5
    assert psnr(final, exact) > psnr(draft, exact) > psnr(another_take, exact) + 5
