# SPDX-License-Identifier: GPL-3.0-or-later
"""The four published downloads as the components of a `LongAnimationPipeline`."""

import inspect
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDPMScheduler
from torch import nn
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen2Tokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from ..memory import DynamicGlobalLocalMemory
from ..published import DYNAMIC_MEMORY, VISION_TOWER
from ..sketch_dit import SketchDiT
from ..transformer import LongAnimationTransformer3DModel
from ..video_xl import MEMORY_LAYERS, VideoXL
from .errors import ConversionError
from .parts import VIDEO_XL_TOWER, Rename, WeightFile, assign, same_name, tower_name, video_xl_name
from .tensors import read_weights

WEIGHT_NAMES = ("diffusion_pytorch_model.safetensors", "model.safetensors", "pytorch_model.bin")
"""File names of published weights. Weights in several files have an index of that name."""


@dataclass(frozen=True)
class Downloads:
    """The paths of the published weights.

    cogvideox: the folder CogVideoX1.5-5B-I2V. control, memory: LongAnimation's `control_module.safetensors` (SketchDiT)
    and `glm_module.safetensors` (DGLM). video_xl: the folder `VideoXL_weight_8`. vision_tower: the folder of
    clip-vit-large-patch14-336, needed where Video-XL's own files do not hold the tower.
    """

    cogvideox: Path
    control: Path
    memory: Path
    video_xl: Path
    vision_tower: Path | None = None


@dataclass(frozen=True)
class Component:
    """A part of the pipeline: its folder's name, what loads it, its weights, and how its configuration is saved."""

    name: str
    library: str
    class_name: str
    save_config: Callable[[Path, torch.dtype], None]
    weights: tuple[WeightFile, ...] = ()

    @property
    def weights_name(self) -> str:
        """The file name that the library that loads it expects."""
        return "model" if self.library == "transformers" else "diffusion_pytorch_model"


def find_components(downloads: Downloads) -> list[Component]:
    """Read the downloads' configurations and the headers of their weights. Raises ConversionError."""
    cogvideox = downloads.cogvideox
    settings = _read_config(cogvideox / "transformer" / "config.json")
    if settings.get("ofs_embed_dim") is None:
        raise ConversionError(
            f"{cogvideox / 'transformer' / 'config.json'} sets no ofs_embed_dim: this is not CogVideoX1.5-5B-I2V. "
            "Download that one."
        )
    blocks = [re.match(r"transformer_blocks\.(\d+)\.", tensor.name) for tensor in read_weights(downloads.control)]
    layers = 1 + max((int(block[1]) for block in blocks if block), default=0)
    video_xl, video_xl_sources = _video_xl(downloads)
    with torch.device("meta"):
        transformer = LongAnimationTransformer3DModel.from_config(settings)
        sketch_dit = SketchDiT.from_config({**settings, "num_layers": layers})
        vae = AutoencoderKLCogVideoX.from_config(_read_config(cogvideox / "vae" / "config.json"))
        text_encoder = T5EncoderModel(T5Config.from_dict(_read_config(cogvideox / "text_encoder" / "config.json")))
        width = settings["num_attention_heads"] * settings["attention_head_dim"]
        memory = DynamicGlobalLocalMemory(**_memory_config(downloads.memory, width, video_xl.memory_width))
    scheduler = CogVideoXDPMScheduler.from_config(_read_config(cogvideox / "scheduler" / "scheduler_config.json"))
    return [
        _tokenizer("tokenizer", T5Tokenizer, cogvideox / "tokenizer"),
        _model("text_encoder", text_encoder, [(weight_files(cogvideox / "text_encoder"), same_name)]),
        _model("vae", vae, [(weight_files(cogvideox / "vae"), same_name)]),
        _model("transformer", transformer, [(weight_files(cogvideox / "transformer"), same_name)]),
        _model("sketch_dit", sketch_dit, [([downloads.control], same_name)]),
        _model("dynamic_memory", memory, [([downloads.memory], same_name)]),
        _tokenizer("video_tokenizer", Qwen2Tokenizer, downloads.video_xl),
        _model("video_xl", video_xl, video_xl_sources),
        Component(
            "scheduler", "diffusers", type(scheduler).__name__, lambda folder, dtype: scheduler.save_config(folder)
        ),
    ]


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConversionError(f"{path} is missing: give the folder as it was published.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConversionError(f"{path} is no JSON ({error}): download it again.") from error


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a folder's weights, whether one or several with an index."""
    for name in WEIGHT_NAMES:
        index = folder / f"{name}.index.json"
        if index.is_file():
            return sorted({folder / file for file in _read_config(index)["weight_map"].values()})
        if (folder / name).is_file():
            return [folder / name]
    raise ConversionError(f"{folder} holds no weights: expected {', '.join(WEIGHT_NAMES)}, or an index of one of them.")


def _memory_config(path: Path, width: int, memory_width: int) -> dict[str, Any]:
    """Derive DGLM's configuration, because it was published without one. Its ends must fit the transformer and
    Video-XL. The rest follows from the shapes of its weights."""
    rows = {tensor.name: tensor.shape[0] for tensor in read_weights(path) if tensor.shape}
    _, first, second = DYNAMIC_MEMORY["mapping_sizes"]
    first, second = rows.get("key_mapping_0.0.bias", first), rows.get("key_mapping_0.3.bias", second)
    inner = rows.get("layers.0.0.to_q.weight", width)
    hidden = rows.get("layers.0.1.1.weight", DYNAMIC_MEMORY["ff_mult"] * width)
    return {
        "dim": width,
        "depth": len(MEMORY_LAYERS),
        "dim_head": inner // DYNAMIC_MEMORY["heads"],
        "heads": DYNAMIC_MEMORY["heads"],
        "output_dim": width,
        "ff_mult": hidden // width,
        "mapping_sizes": (memory_width, first, second),
    }


def _video_xl(downloads: Downloads) -> tuple[VideoXL, list[tuple[list[Path], Rename]]]:
    """Return Video-XL on the meta device, and the sources of its weights."""
    folder, path = downloads.video_xl, downloads.video_xl / "config.json"
    settings = _read_config(path)
    lacking = [key for key in ("beacon_ratio", "beacon_window", "mm_vision_select_layer") if key not in settings]
    if lacking:
        raise ConversionError(f"{path} sets no {lacking[0]}: this is not Video-XL. Give the folder VideoXL_weight_8.")
    for key, accepted in {
        "mm_projector_type": "mlp2x_gelu",
        "mm_vision_select_feature": "patch",
        "mm_spatial_pool_mode": "average",
        "mm_spatial_pool_stride": 2,
    }.items():
        if settings.get(key, accepted) != accepted:
            raise ConversionError(f"{path}: {key} is {settings[key]!r}; only {accepted!r}, as in Video-XL, is known.")
    sources: list[tuple[list[Path], Rename]] = [(weight_files(folder), video_xl_name)]
    has_tower = any(tensor.name.startswith(VIDEO_XL_TOWER) for file in sources[0][0] for tensor in read_weights(file))
    tower = downloads.vision_tower
    if tower is None and not has_tower:
        raise ConversionError(
            f"{folder} holds no vision tower; its configuration names {settings.get('mm_vision_tower')!r}. Download "
            "openai/clip-vit-large-patch14-336 and give its folder as the vision tower (--vision-tower DIR)."
        )
    if tower is not None and not has_tower:
        sources.append((weight_files(tower), tower_name))
    vision = VISION_TOWER
    if tower is not None:
        found = _read_config(tower / "config.json")
        found = found.get("vision_config", found)
        vision = {key: found[key] for key in (*VISION_TOWER, "hidden_act", "layer_norm_eps") if key in found}
    known = inspect.signature(VideoXL.__init__).parameters
    arguments = {key: value for key, value in settings.items() if key in known}
    arguments |= {
        "beacon_ratio": [max(settings["beacon_ratio"])],  # of 2, 4 and 8 the authors' driver takes 8
        "vision": vision,
        "vision_layer": settings["mm_vision_select_layer"],
    }
    with torch.device("meta"):
        model = VideoXL(**arguments)
    return model, sources


def _model(name: str, module: nn.Module, sources: Sequence[tuple[Sequence[Path], Rename]]) -> Component:
    place = type(module).__module__  # of a library, model_index.json names only its package
    library = next((package for package in ("diffusers", "transformers") if place.startswith(f"{package}.")), place)

    def save_config(folder: Path, dtype: torch.dtype) -> None:
        if isinstance(module, PreTrainedModel):
            module.config.architectures, module.config.dtype = [type(module).__name__], dtype
            module.config.save_pretrained(folder)
        else:
            module.save_config(folder)

    return Component(name, library, type(module).__name__, save_config, tuple(assign(name, module, sources)))


def _tokenizer(name: str, kind: type[PreTrainedTokenizerBase], source: Path) -> Component:
    """A published tokenizer, to be saved as one `tokenizer.json`, which can be read without SentencePiece."""
    files = dict(kind.vocab_files_names)
    whole = files.pop("tokenizer_file")
    lacking = [file for file in files.values() if not (source / file).is_file()]
    if lacking and not (source / whole).is_file():
        raise ConversionError(f"{source} lacks {lacking[0]} of its tokenizer, and has no {whole}: download them again.")
    tokenizer = kind.from_pretrained(source)
    return Component(name, "transformers", kind.__name__, lambda folder, dtype: tokenizer.save_pretrained(folder))
