# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules equal the research code, tensor by tensor (golden cases)."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from server.longanimation import DynamicGlobalLocalMemory, LongAnimationTransformer3DModel, SketchDiT, VideoXL

GOLDEN = (Path(__file__).parents[3] / "shared" / "golden", Path(__file__).parents[1] / "data" / "golden")
TOLERANCE = 1e-5


def golden_case(name: str) -> tuple[dict, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    folder = next((golden / name for golden in GOLDEN if (golden / name).is_dir()), None)
    if folder is None:
        pytest.skip(f"the golden tensors are not beside the project: {GOLDEN[0] / name} is missing")
    config = json.loads((folder / "config.json").read_text())
    return config, load_file(folder / "io.safetensors"), load_file(folder / "state_dict.safetensors")


def assert_equal(found: torch.Tensor, expected: torch.Tensor, tolerance: float = TOLERANCE) -> None:
    assert found.shape == expected.shape
    error = (found - expected).abs().max() / expected.abs().max()
    assert error <= tolerance, f"relative error {error:.2e} is above {tolerance:.0e}"


def load_strictly(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    model.load_state_dict(weights, strict=True)
    model.eval()


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
@pytest.mark.parametrize("group", [None, 1, 4])
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
