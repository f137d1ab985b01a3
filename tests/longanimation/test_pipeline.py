# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack as a whole: saved and loaded, in the published geometry too, and its parts where they meet."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel

from server.longanimation import LongAnimationPipeline, LongAnimationTransformer3DModel, SketchDiT
from server.longanimation.fusion import color_consistency_fusion
from server.longanimation.sketch import fit_size, image_signal, sketch_signal, unfit
from server.longanimation.tiny import (
    LATENT_CHANNELS,
    tiny_memory,
    tiny_scheduler,
    tiny_sketch_dit,
    tiny_text_encoder,
    tiny_tokenizer,
    tiny_transformer,
    tiny_vae,
    tiny_video_tokenizer,
    tiny_video_xl,
)


@pytest.fixture(scope="module")
def pipeline() -> LongAnimationPipeline:
    torch.manual_seed(0)
    made = LongAnimationPipeline(
        tokenizer=tiny_tokenizer(),
        text_encoder=tiny_text_encoder(),
        vae=tiny_vae(),
        transformer=tiny_transformer(),
        sketch_dit=tiny_sketch_dit(),
        dynamic_memory=tiny_memory(),
        video_tokenizer=tiny_video_tokenizer(),
        video_xl=tiny_video_xl(),
        scheduler=tiny_scheduler(),
    )
    # Fresh models are silent where training starts from zero; here every part must be heard.
    torch.nn.init.normal_(made.sketch_dit.zero_conv.weight, std=0.1)
    torch.nn.init.normal_(made.dynamic_memory.proj_out, std=0.1)
    made.set_progress_bar_config(disable=True)
    return made


def segment(pipeline: LongAnimationPipeline, drawings: int = 7, votes: int = 1, **arguments):
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(votes + 1 + drawings, 3, 32, 48, generator=generator) * 2 - 1
    return pipeline(
        references=images[:votes],
        reference_sketch=images[votes],
        sketches=images[votes + 1 :],
        num_inference_steps=2,
        guidance_scale=arguments.pop("guidance_scale", 1.0),
        generator=torch.Generator().manual_seed(2),
        **arguments,
    )


def test_a_saved_pipeline_loads_into_the_same_pipeline(pipeline: LongAnimationPipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path)
    loaded = LongAnimationPipeline.from_pretrained(tmp_path)
    assert all(
        torch.equal(weight, getattr(pipeline, part).state_dict()[name])
        for part in ("vae", "text_encoder", "transformer", "sketch_dit", "dynamic_memory", "video_xl")
        for name, weight in getattr(loaded, part).state_dict().items()
    )
    # Where weights lie in memory decides how they are multiplied: the last bits may differ.
    assert torch.allclose(segment(loaded).frames, segment(pipeline).frames, atol=1e-4)


def test_every_drawing_gets_a_frame_in_every_colouring(pipeline: LongAnimationPipeline) -> None:
    steps: list[tuple[int, int]] = []
    output = segment(pipeline, votes=2, callback_on_step_end=lambda done, total: steps.append((done, total)))
    assert output.frames.shape == (2, 7, 3, 32, 48)
    assert output.frames.min() >= 0 and output.frames.max() <= 1
    assert steps == [(1, 2), (2, 2)]


def test_guidance_with_scale_one_is_no_guidance(pipeline: LongAnimationPipeline) -> None:
    memory = [pipeline.remember(None, torch.rand(2, 3, 32, 48))]
    mapped = pipeline.map_memory(memory, memory)
    plain = segment(pipeline, memory=mapped).frames
    guided = segment(pipeline, memory=mapped, guidance_scale=1.0 + 1e-9).frames
    assert torch.allclose(plain, guided, atol=1e-4)


def test_memory_and_the_previous_segment_change_the_result(pipeline: LongAnimationPipeline) -> None:
    first = segment(pipeline)
    assert first.tail is not None
    memory = [pipeline.remember(None, torch.rand(3, 3, 32, 48))]
    remembered = segment(pipeline, memory=pipeline.map_memory(memory, memory))
    fused = segment(pipeline, previous_tail=torch.zeros_like(first.tail))
    assert not torch.equal(first.frames, remembered.frames)
    assert not torch.equal(first.frames, fused.frames)


def test_what_memory_holds_does_not_depend_on_how_frames_came(pipeline: LongAnimationPipeline) -> None:
    frames = torch.rand(13, 3, 32, 48)
    whole = pipeline.remember(None, frames)
    grown = None
    for part in frames.split(5):
        grown = pipeline.remember(grown, part)
    for one, other in zip(pipeline.map_memory([whole], [whole]), pipeline.map_memory([grown], [grown]), strict=True):
        assert torch.allclose(one[0], other[0], atol=1e-5) and torch.allclose(one[1], other[1], atol=1e-5)


def test_the_published_geometry_runs() -> None:
    """Four drawings a latent, patches of two latents: the geometry of CogVideoX-1.5, at small width."""
    transformer = {
        "num_attention_heads": 1,
        "attention_head_dim": 64,
        "in_channels": 2 * LATENT_CHANNELS,
        "out_channels": LATENT_CHANNELS,
        "time_embed_dim": 32,
        "ofs_embed_dim": 32,
        "text_embed_dim": 128,
        "num_layers": 2,
        "patch_size_t": 2,
        "max_text_seq_length": 64,
        "use_rotary_positional_embeddings": True,
    }
    blocks = 4
    vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * blocks,
        up_block_types=("CogVideoXUpBlock3D",) * blocks,
        block_out_channels=(8,) * blocks,
        latent_channels=LATENT_CHANNELS,
        layers_per_block=1,
        norm_num_groups=2,
        invert_scale_latents=True,
        scaling_factor=0.7,
    )
    published = LongAnimationPipeline(
        tokenizer=tiny_tokenizer(),
        text_encoder=tiny_text_encoder(),
        vae=vae,
        transformer=LongAnimationTransformer3DModel(**transformer),
        sketch_dit=SketchDiT(**transformer),
        dynamic_memory=tiny_memory(),
        video_tokenizer=tiny_video_tokenizer(),
        video_xl=tiny_video_xl(),
        scheduler=tiny_scheduler(),
    )
    # 17 drawings are 5 latents, 6 with the reference.
    assert segment(published, drawings=17, guidance_scale=6.0).frames.shape == (1, 17, 3, 32, 48)
    with pytest.raises(ValueError, match=r"4·k \+ 1 drawings, not 16"):
        segment(published, drawings=16)


@pytest.mark.parametrize("size", [(30, 48), (32, 40)])
def test_a_size_that_does_not_fit_the_patches_is_refused(pipeline: LongAnimationPipeline, size: tuple[int, int]):
    images = torch.zeros(9, 3, *size)
    with pytest.raises(ValueError, match="must be a multiple of 16"):
        pipeline(images[:1], images[1], images[2:])


@torch.no_grad()
def test_without_control_the_transformer_is_the_stock_one() -> None:
    torch.manual_seed(0)
    ours = tiny_transformer()
    stock = CogVideoXTransformer3DModel(**ours.config)
    stock.load_state_dict(ours.state_dict(), strict=True)
    arguments = (torch.randn(1, 2, 16, 8, 8), torch.randn(1, 64, 128), torch.tensor([500]))
    ofs = torch.tensor([2.0])
    (expected,) = stock(*arguments, ofs=ofs, return_dict=False)
    (found,) = ours(*arguments, ofs=ofs, return_dict=False)
    assert torch.equal(found, expected)


def test_fusion_is_equation_six() -> None:
    latents, previous = torch.full((1, 8, 1, 1, 1), 10.0), torch.full((1, 4, 1, 1, 1), 20.0)
    fused = color_consistency_fusion(latents, previous).flatten().tolist()
    assert fused == pytest.approx([10, 10, 18, 16, 14, 12, 10, 10])


def test_sketches_are_minus_one_on_paper_and_one_on_lines() -> None:
    line_art = np.full((32, 64), 230, np.uint8)
    line_art[8:16] = 150
    signal = sketch_signal(line_art, 32, 64)
    assert signal.shape == (3, 32, 64)
    assert signal[:, 0].unique().tolist() == [-1] and signal[:, 10].unique().tolist() == [1]


def test_a_letterbox_keeps_the_edges_and_comes_off_again() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 120, 3), np.uint8)
    boxed = fit_size(image, 96, 120, fill=255)
    assert boxed.shape == (96, 120, 3) and (boxed[0] == 255).all()
    assert np.array_equal(unfit(boxed[None], 40, 120)[0], image)
    assert image_signal(image, 96, 120).shape == (3, 96, 120)
