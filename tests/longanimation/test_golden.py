# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules equal the research code, tensor by tensor (golden cases)."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from benchmarks.golden_case import golden_pipeline
from server.longanimation import (
    DynamicGlobalLocalMemory,
    LongAnimationPipeline,
    LongAnimationTransformer3DModel,
    SketchDiT,
    VideoXL,
)

GOLDEN = (Path(__file__).parents[3] / "shared" / "golden", Path(__file__).parents[1] / "data" / "golden")
TOLERANCE = 1e-5
AFTER_FIFTY_STEPS = 1e-4


def golden_folder(name: str) -> Path:
    folder = next((golden / name for golden in GOLDEN if (golden / name).is_dir()), None)
    if folder is None:
        pytest.skip(f"the golden tensors are not beside the project: {GOLDEN[0] / name} is missing")
    return folder


def golden_case(name: str) -> tuple[dict, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    folder = golden_folder(name)
    config = json.loads((folder / "config.json").read_text())
    return config, load_file(folder / "io.safetensors"), load_file(folder / "state_dict.safetensors")


def assert_equal(found: torch.Tensor, expected: torch.Tensor, tolerance: float = TOLERANCE) -> None:
    assert found.shape == expected.shape
    error = (found - expected).abs().max() / expected.abs().max()
    assert error <= tolerance, f"relative error {error:.2e} is above {tolerance:.0e}"


def load_strictly(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> torch.nn.Module:
    model.load_state_dict(weights, strict=True)
    return model.eval()


@torch.no_grad()
def test_sketch_dit_gives_the_research_control_signal() -> None:
    config, io, weights = golden_case("a_sketchdit")
    model = SketchDiT(**config["model"])
    load_strictly(model, weights)
    found = model(
        io["hidden_states"],
        io["encoder_hidden_states"],
        io["timestep"],
        ofs=io["ofs"],
        image_rotary_emb=(io["rope_cos"], io["rope_sin"]),
    )
    assert_equal(found, io["output"])


@torch.no_grad()
@pytest.mark.parametrize("controlled", [True, False])
def test_transformer_injects_control_after_even_blocks(controlled: bool) -> None:
    config, io, weights = golden_case("c_controlled_transformer")
    model = LongAnimationTransformer3DModel(**config["model"])
    load_strictly(model, weights)
    (found,) = model(
        io["hidden_states"],
        io["encoder_hidden_states"],
        io["timestep"],
        ofs=io["ofs"],
        image_rotary_emb=(io["rope_cos"], io["rope_sin"]),
        control_signal=io["control_signal"] if controlled else None,
        control_scale=config["control_scale"],
        return_dict=False,
    )
    assert_equal(found, io["output" if controlled else "output_no_control"])


@torch.no_grad()
def test_memory_attention_and_its_step_invariant_keys_and_values() -> None:
    config, io, weights = golden_case("b2_dglm_small")
    model = DynamicGlobalLocalMemory(**config["model"], mapping_sizes=(32, 48, 64))
    load_strictly(model, weights)
    mapped = model.map_memory(io["global_memory"], io["local_memory"])
    for index, (key, value) in enumerate(mapped):
        assert_equal(key, io[f"layer{index}_k"])
        assert_equal(value, io[f"layer{index}_v"])
    assert_equal(model(io["global_memory"], io["local_memory"], io["latents"]), io["output"])


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 3, 5, 6, 8, 11])
@pytest.mark.parametrize("group", [None, 1, 3, 4])
def test_video_xl_memory_in_one_pass_and_incrementally(frames: int, group: int | None) -> None:
    config, io, weights = golden_case("e_beacon")
    model = VideoXL(**config["model"])
    load_strictly(model, weights)
    head, tail = config["beacon_skip_first"], io["input_ids"][0, -4:]
    memory = model.start(io["input_ids"][0, :head])
    features = io["image_features"][: frames * config["tokens_per_frame"]]
    for part in features.split((group or frames) * config["tokens_per_frame"]):
        model.append(memory, part)
    found, logits = model.ask(memory, tail)
    assert_equal(found, io[f"memory_{frames}f"])
    assert_equal(found[..., :-4, :], io[f"memory_{frames}f_after_first_forward"])
    assert_equal(logits, io[f"logits_{frames}f"])


@pytest.fixture(scope="module")
def published_geometry() -> LongAnimationPipeline:
    return golden_pipeline(golden_folder("d2_pipeline_small"))


@pytest.mark.parametrize("noise", ["drawn", "given"])
def test_two_segments_of_the_research_pipeline(published_geometry: LongAnimationPipeline, noise: str) -> None:
    pipeline, io = published_geometry, load_file(golden_folder("d2_pipeline_small") / "io.safetensors")
    reference = io["image_rgb"].permute(2, 0, 1)[None].float() / 127.5 - 1
    memory, tail = None, None
    for segment in ("seg0", "seg1"):
        after_step: list[torch.Tensor] = []
        given = {
            "latents": io[f"{segment}_initial_latents"],
            "step_noise": io["scheduler_noise_used"][:, None],
        }
        output = pipeline(
            reference,
            sketch_latents=torch.cat([io["sketches_first_frame"], io[f"sketches_{segment}"]], dim=1),
            prompt_embeds=io["prompt_embeds"],
            negative_prompt_embeds=io["negative_prompt_embeds"],
            generator=torch.Generator().manual_seed(42),
            memory=memory,
            previous_tail=tail,
            compatibility="research",
            callback_on_step_end=lambda _, index, timestep, tensors, after=after_step: (
                after.append(tensors["latents"][0]) or tensors
            ),
            **(given if noise == "given" else {}),
        )
        assert_equal(torch.stack(after_step), io[f"{segment}_latents_after_step"], AFTER_FIFTY_STEPS)
        assert_equal(output.latents, io[f"{segment}_final_latents_no_pad"], AFTER_FIFTY_STEPS)
        assert_equal(output.frames[0], io[f"{segment}_frames"], AFTER_FIFTY_STEPS)
        assert_equal(output.tail[:, 0], io[f"{segment}_tail_last4_per_step"][31:], AFTER_FIFTY_STEPS)
        memory, tail = pipeline.dynamic_memory.map_memory(io["global_memory"], io["local_memory"]), output.tail


@torch.no_grad()
def test_the_references_latents_are_those_of_the_research_code(published_geometry: LongAnimationPipeline) -> None:
    io = load_file(golden_folder("d2_pipeline_small") / "io.safetensors")
    reference = io["image_rgb"].permute(2, 0, 1)[None].float() / 127.5 - 1
    image = published_geometry.encode_references(reference, 10, torch.Generator().manual_seed(42))
    assert_equal(image, io["seg0_image_latents"])
