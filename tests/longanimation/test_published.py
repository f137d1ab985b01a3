# SPDX-License-Identifier: GPL-3.0-or-later
"""The real-size configurations: the published numbers of parameters, names and shapes, without their memory."""

import json
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from server.longanimation.convert import Downloads, plan_conversion
from server.longanimation.published import (
    SCHEDULER,
    SKETCH_DIT,
    TEXT_ENCODER,
    TRANSFORMER,
    VAE,
    VIDEO_XL,
    published_modules,
)
from tests.longanimation.miniature import write_json, write_qwen_tokenizer, write_t5_tokenizer

KEYS = Path(__file__).parents[3] / "shared" / "golden" / "published_keys"

PARAMETERS = {
    "transformer": 5_571_594_880,
    "sketch_dit": 818_359_808,
    "dynamic_memory": 402_782_208,
    "vae": 215_583_907,
    "text_encoder": 4_762_310_656,
}
LANGUAGE_MODEL = 8_078_171_136


@pytest.fixture(scope="module")
def modules() -> dict[str, nn.Module]:
    return published_modules()


def published_keys(file: str) -> dict[str, list[int]]:
    path = KEYS / f"{file}.json"
    if not path.is_file():
        pytest.skip(f"the lists of published keys are not beside the project: {path} is missing")
    return json.loads(path.read_text(encoding="utf-8"))


def of_language_model(name: str) -> bool:
    return not name.startswith(("model.vision_tower.", "model.mm_projector."))


def test_real_size_modules_take_no_memory(modules: dict[str, nn.Module]) -> None:
    assert {weight.device.type for module in modules.values() for weight in module.parameters()} == {"meta"}


@pytest.mark.parametrize("part", PARAMETERS)
def test_a_module_has_the_published_number_of_parameters(modules: dict[str, nn.Module], part: str) -> None:
    assert sum(weight.numel() for weight in modules[part].parameters()) == PARAMETERS[part]


def test_video_xl_is_its_language_model_and_a_tower_and_a_projector(modules: dict[str, nn.Module]) -> None:
    weights = dict(modules["video_xl"].named_parameters())
    counts = {name: weight.numel() for name, weight in weights.items()}
    assert sum(count for name, count in counts.items() if of_language_model(name)) == LANGUAGE_MODEL
    assert sum(count for name, count in counts.items() if name.startswith("model.vision_tower.")) == 303_507_456
    projector = {name: tuple(weights[name].shape) for name in weights if name.startswith("model.mm_projector.")}
    assert projector == {
        "model.mm_projector.0.weight": (3584, 1024),
        "model.mm_projector.0.bias": (3584,),
        "model.mm_projector.2.weight": (3584, 3584),
        "model.mm_projector.2.bias": (3584,),
    }


@pytest.mark.parametrize(
    ("part", "file", "count"),
    [("sketch_dit", "control_module", 157), ("dynamic_memory", "glm_module", 97), ("video_xl", "videoxl_llm", 508)],
)
def test_names_and_shapes_are_the_published_ones(
    modules: dict[str, nn.Module], part: str, file: str, count: int
) -> None:
    found = {name: list(weight.shape) for name, weight in modules[part].state_dict().items() if of_language_model(name)}
    assert len(found) == count
    assert found == published_keys(file)


def test_sketch_dit_has_the_first_six_of_the_transformers_layers(modules: dict[str, nn.Module]) -> None:
    whole = {name: weight.shape for name, weight in modules["transformer"].state_dict().items()}
    sketch = {name: weight.shape for name, weight in modules["sketch_dit"].state_dict().items()}
    assert sketch.keys() - whole.keys() == {"zero_conv.weight"}
    assert all(whole[name] == shape for name, shape in sketch.items() if name in whole)
    assert (TRANSFORMER["num_layers"], SKETCH_DIT["num_layers"]) == (42, 6)


def write_hollow(path: Path, keys: dict[str, list[int]]) -> None:
    """A safetensors file of bfloat16 weights that takes its size, and no room: its numbers are a hole."""
    header, end = {}, 0
    for name, shape in keys.items():
        start, end = end, end + 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


@pytest.mark.skipif(os.name == "nt", reason="Windows would fill the holes, 40 GB of them")
def test_downloads_of_the_published_names_and_sizes_can_be_converted(
    modules: dict[str, nn.Module], tmp_path: Path
) -> None:
    def keys_of(part: str) -> dict[str, list[int]]:
        return {name: list(weight.shape) for name, weight in modules[part].named_parameters()}

    cogvideox, video_xl = tmp_path / "CogVideoX1.5-5B-I2V", tmp_path / "VideoXL_weight_8"
    write_hollow(cogvideox / "transformer" / "diffusion_pytorch_model.safetensors", keys_of("transformer"))
    write_hollow(cogvideox / "vae" / "diffusion_pytorch_model.safetensors", keys_of("vae"))
    write_hollow(cogvideox / "text_encoder" / "model.safetensors", keys_of("text_encoder"))
    write_json(cogvideox / "transformer" / "config.json", TRANSFORMER)
    write_json(cogvideox / "vae" / "config.json", VAE)
    write_json(cogvideox / "text_encoder" / "config.json", TEXT_ENCODER)
    write_json(cogvideox / "scheduler" / "scheduler_config.json", SCHEDULER)
    write_t5_tokenizer(cogvideox / "tokenizer")
    control, memory = tmp_path / "control_module.safetensors", tmp_path / "glm_module.safetensors"
    write_hollow(control, published_keys("control_module"))
    write_hollow(memory, published_keys("glm_module"))
    eyes = {
        name.replace("model.vision_tower.", "model.vision_tower.vision_tower.vision_model."): shape
        for name, shape in keys_of("video_xl").items()
        if not of_language_model(name)
    }
    write_hollow(video_xl / "model.safetensors", published_keys("videoxl_llm") | eyes)
    write_json(video_xl / "config.json", {**VIDEO_XL, "beacon_ratio": [2, 4, 8], "mm_vision_select_layer": -2})
    write_qwen_tokenizer(video_xl)

    conversion = plan_conversion(Downloads(cogvideox, control, memory, video_xl), tmp_path / "preset")
    numbers = sum(weight.numel() for module in modules.values() for weight in module.parameters())
    assert 0 < conversion.bytes - 2 * numbers < 1e6, "the weights in two bytes each, and headers"
