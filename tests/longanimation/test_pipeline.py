# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole stack: saving and loading, also in the published geometry, and its parts together."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from diffusers import CogVideoXTransformer3DModel

from benchmarks.stack import random_pipeline
from server.longanimation import LongAnimationPipeline, NonFiniteLatents, SamplingSchedule
from server.longanimation.fusion import color_consistency_fusion
from server.longanimation.pipeline import Compatibility
from server.longanimation.sketch import cover_size, fit_size, image_signal, sketch_signal, unfit
from server.longanimation.tiny import tiny_transformer


@pytest.fixture(scope="module")
def pipeline() -> LongAnimationPipeline:
    return random_pipeline()


def segment(pipeline: LongAnimationPipeline, drawings: int = 17, votes: int = 1, **arguments):
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(votes + 1 + drawings, 3, 32, 48, generator=generator) * 2 - 1
    arguments = {"guidance_scale": 1.0, "num_inference_steps": 2} | arguments
    return pipeline(
        references=images[:votes],
        reference_sketch=images[votes],
        sketches=images[votes + 1 :],
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


def test_every_drawing_gets_a_frame_in_every_coloring(pipeline: LongAnimationPipeline) -> None:
    output = segment(pipeline, votes=2)
    assert output.frames.shape == (2, 17, 3, 32, 48)
    assert output.frames.min() >= 0 and output.frames.max() <= 1
    assert output.latents.shape == (2, 5, 4, 4, 6)
    assert output.tail.shape == (1, 2, 4, 4, 4, 6)


def test_the_callback_sees_each_step_and_may_change_the_latents(pipeline: LongAnimationPipeline) -> None:
    steps: list[tuple[int, int]] = []

    def callback(given: LongAnimationPipeline, index: int, timestep: int, tensors: dict) -> dict:
        assert given is pipeline
        steps.append((index, timestep))
        return {"latents": torch.full_like(tensors["latents"], 0.5)}

    output = segment(pipeline, callback_on_step_end=callback, output_type="latent")
    assert steps == [(0, 999), (1, 499)]
    assert output.frames is None
    assert (output.latents == 0.5).all()


def test_noise_that_is_given_is_the_noise_that_is_drawn(pipeline: LongAnimationPipeline) -> None:
    sketches = torch.zeros(1, 6, 4, 4, 6)
    drawn, given = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    reference = torch.zeros(1, 3, 32, 48)
    arguments = {"sketch_latents": sketches, "num_inference_steps": 3, "guidance_scale": 1.0, "output_type": "latent"}
    expected = pipeline(reference, generator=drawn, **arguments).latents
    pipeline.encode_references(reference, 6, given)
    noise = torch.randn(4, *sketches.shape, generator=given)
    found = pipeline(
        reference, generator=torch.Generator().manual_seed(3), latents=noise[0], step_noise=noise[1:], **arguments
    ).latents
    assert torch.equal(found, expected)


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


@pytest.mark.parametrize(("compatibility", "fused"), [(None, 20), ("research", 19)])
def test_the_last_twenty_of_fifty_steps_are_fused_as_in_the_paper(
    pipeline: LongAnimationPipeline, compatibility: Compatibility | None, fused: int
) -> None:
    quick = SamplingSchedule(model_every=50)
    output = segment(
        pipeline, num_inference_steps=50, schedule=quick, compatibility=compatibility, output_type="latent"
    )
    assert len(output.tail) == fused


def test_what_memory_holds_does_not_depend_on_how_frames_came(pipeline: LongAnimationPipeline) -> None:
    frames = torch.rand(13, 3, 32, 48)
    whole = pipeline.remember(None, frames)
    grown = None
    for part in frames.split(5):
        grown = pipeline.remember(grown, part)
    for one, other in zip(pipeline.map_memory([whole], [whole]), pipeline.map_memory([grown], [grown]), strict=True):
        assert torch.allclose(one[0], other[0], atol=1e-5) and torch.allclose(one[1], other[1], atol=1e-5)


def test_a_size_that_does_not_fit_the_patches_is_refused(pipeline: LongAnimationPipeline) -> None:
    images = torch.zeros(19, 3, 30, 48)
    with pytest.raises(ValueError, match=r"48×30 must be a multiple of 16 .* to 48×32 for example"):
        pipeline(images[:1], images[1], images[2:])


@pytest.mark.parametrize(
    ("drawings", "sentence"), [(16, r"4·k \+ 1 drawings, not 16.*up to 17"), (13, "do not fill patches")]
)
def test_a_number_of_drawings_that_does_not_fit_is_refused(
    pipeline: LongAnimationPipeline, drawings: int, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        segment(pipeline, drawings=drawings)


@pytest.mark.parametrize("name", ["references", "sketches", "latents"])
def test_what_is_not_a_number_is_named(pipeline: LongAnimationPipeline, name: str) -> None:
    given = {
        "references": torch.zeros(1, 3, 32, 48),
        "reference_sketch": torch.zeros(3, 32, 48),
        "sketches": torch.zeros(17, 3, 32, 48),
        "latents": torch.zeros(1, 6, 4, 4, 6),
    }
    given[name].view(-1)[7] = float("nan")
    with pytest.raises(ValueError, match=f"`{name}` holds 1 values that are NaN"):
        pipeline(**given)


def test_latents_that_break_down_say_so_and_when(pipeline: LongAnimationPipeline) -> None:
    weight = pipeline.transformer.proj_out.weight
    before = weight.data.clone()
    weight.data[0, 0] = float("nan")
    try:
        with pytest.raises(NonFiniteLatents, match=r"NaN or infinite in step 1 of 2"):
            segment(pipeline)
    finally:
        weight.data.copy_(before)


def test_latents_of_another_shape_are_refused(pipeline: LongAnimationPipeline) -> None:
    with pytest.raises(ValueError, match=r"`latents` must be \[B, 6, 4, 4, 6\], not \[1, 5, 4, 4, 6\]"):
        segment(pipeline, latents=torch.zeros(1, 5, 4, 4, 6))
    with pytest.raises(ValueError, match="Give either `reference_sketch` and `sketches`, or `sketch_latents`"):
        pipeline(torch.zeros(1, 3, 32, 48))


def test_a_prompt_that_is_too_long_is_cut_and_the_rest_named(
    pipeline: LongAnimationPipeline, caplog: pytest.LogCaptureFixture
) -> None:
    limit = pipeline.transformer.config.max_text_seq_length - 1
    fits, too_long = "a" * limit, "a" * limit + " and a boat"
    assert torch.equal(pipeline.encode_prompt(too_long), pipeline.encode_prompt(fits))
    (record,) = caplog.records
    assert "left out: ' and a boat'" in record.getMessage()
    assert pipeline.cut_prompt(fits) == (fits, "")


def test_a_prompt_that_is_too_long_leaves_room_for_the_suffix(
    pipeline: LongAnimationPipeline, caplog: pytest.LogCaptureFixture
) -> None:
    suffix, prompt = " High quality.", "夕焼け" * 30
    pipeline.register_to_config(prompt_suffix=suffix)
    try:
        part, rest = pipeline.cut_prompt(prompt)
    finally:
        pipeline.register_to_config(prompt_suffix="")
    assert part + rest == prompt
    limit = pipeline.transformer.config.max_text_seq_length - 1
    assert limit - 3 < len((part + suffix).encode()) <= limit, "a character of three bytes stays whole"
    found = pipeline.encode_prompt(prompt, suffix)
    (record,) = caplog.records
    assert repr(rest) in record.getMessage()
    assert torch.equal(found, pipeline.encode_prompt(part + suffix))
    assert not torch.equal(found, pipeline.encode_prompt(part))
    assert len(caplog.records) == 1


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


@pytest.mark.parametrize(("width", "height", "thickness"), [(1920, 1080, 2), (3840, 2160, 3), (3840, 2160, 1)])
def test_thin_lines_come_out_binary_and_whole_at_the_models_size(width: int, height: int, thickness: int) -> None:
    line_art = np.full((height, width), 255, np.uint8)
    for number in range(1, 8):
        cv2.ellipse(
            line_art, (width * number // 8, height // 2), (width // 18, height // 3), 2 * number, 0, 360, 0, thickness
        )
    signal = sketch_signal(line_art, 576, 1024)
    assert signal.unique().tolist() == [-1, 1]
    lines = (signal[0] > 0).numpy().astype(np.uint8)
    assert cv2.connectedComponents(lines, connectivity=8)[0] == 1 + 7
    assert cv2.connectedComponents(1 - lines, connectivity=4)[0] == 1 + 1 + 7, "every ellipse is closed"
    drawn = (line_art == 0).sum() / (width / 1024) ** 2
    assert lines.sum() < drawn * (1 + 1 / (thickness * 1024 / width)), "a line is at most one pixel wider"


def test_gray_sketches_keep_what_is_drawn() -> None:
    line_art = np.random.default_rng(0).integers(0, 256, (32, 48), np.uint8)
    signal = sketch_signal(line_art, 32, 48, binary=False)
    assert torch.equal(signal, (1 - torch.from_numpy(line_art) / 127.5).expand(3, -1, -1))


@pytest.mark.parametrize("binary", [True, False])
def test_the_letterbox_of_a_sketch_is_paper(binary: bool) -> None:
    signal = sketch_signal(np.zeros((40, 120), np.uint8), 96, 128, binary)
    assert (signal[:, 0] == -1).all() and (signal[:, -1] == -1).all() and (signal[:, 48] == 1).all()


def test_a_letterbox_keeps_the_edges_and_comes_off_again() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 120, 3), np.uint8)
    boxed = fit_size(image, 96, 120, fill=255)
    assert boxed.shape == (96, 120, 3) and (boxed[0] == 255).all()
    assert np.array_equal(unfit(boxed[None], 40, 120)[0], image)
    assert image_signal(image, 96, 120).shape == (3, 96, 120)


def test_covering_keeps_proportions_and_cuts_the_sides() -> None:
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = 255
    assert (cover_size(image, 80, 80)[:, 1:-1] == 255).all()
    assert cover_size(image[..., 0], 33, 47).shape == (33, 47)
