# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory footprint of a pipeline, estimated from its configuration before anything is loaded.

A segment goes through four stages. Each needs the weights that are on the GPU at that time, its activations, and the
memory of the shot. The largest stage counts. The constants of the activations were measured as the peak of living
tensors while the real-size modules ran on the meta device, and compared with the figures that others have published for
CogVideoX on GPUs (docs/memory.md lists them). Those of the denoising agree. The VAE's are higher.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX
from torch import nn
from transformers import T5Config, T5EncoderModel

from .latent_codec import TILE
from .memory import DynamicGlobalLocalMemory
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel
from .video_xl import FRAMES_AT_ONCE, VideoXL

Modules = Mapping[str, nn.Module]
"""The pipeline's modules by their names in it; they may be on the meta device."""

CLASSES: dict[str, Any] = {
    "vae": AutoencoderKLCogVideoX,
    "transformer": LongAnimationTransformer3DModel,
    "sketch_dit": SketchDiT,
    "dynamic_memory": DynamicGlobalLocalMemory,
    "video_xl": VideoXL,
    "text_encoder": T5EncoderModel,
}
"""The class that loads each module."""

STAGES = {
    "video_xl": ("video_xl",),
    "text_encoder": ("text_encoder",),
    "denoising": ("sketch_dit", "dynamic_memory", "transformer"),
    "vae": ("vae",),
}
"""The stages, which run one after another, and their modules. Those of the denoising alternate in every step."""

RESIDENT = ("vae", "dynamic_memory")
"""Small modules that stay on the GPU when the others are streamed."""

STREAMED = ("video_xl", "transformer", "text_encoder", "sketch_dit")
"""The large modules, the largest first. They are streamed, or kept in 8 bits."""

EVERY_STEP = ("sketch_dit", "transformer")
"""The streamed modules that every denoising step goes through. The others are used once in a segment."""

MARGIN = 10**9
"""Bytes for what is not estimated: workspaces of cuBLAS and cuDNN, and gaps between blocks; in main memory, the
program."""

DENOISING_TENSORS = 16
"""Tensors [batch, tokens, width] that live at once in a block of the denoiser (measured: 14.1), and the control."""

EMBEDDED_TENSORS = 2
"""Tensors of all tokens, likewise, before several GPUs share them. 16 tensors of each one's tokens and 2 of all are 1.3
to 1.5 times what lives at once on 2 to 8 GPUs."""

VAE_MAPS = 250
"""Maps at full resolution, of the VAE's least width, that decoding needs at once. 176 live at once on the meta device.
A GPU's convolutions need more: workspaces, and copies in another layout. Diffusers' documentation of CogVideoX
(https://huggingface.co/docs/diffusers/v0.32.0/api/pipelines/cogvideox, "Memory optimization") has 19 GB for decoding at
720×480 with everything else offloaded, and 33 GB with all weights on the GPU: without the weights, 210 to 250 maps,
depending on whether a GB is 10⁹ or 2³⁰ bytes."""

TOWER_TENSORS = 20
"""Tensors [frames, patches, width] in a layer of the vision tower, besides the output of each (measured: 19.6)."""

WINDOW_TENSORS = 25
"""Tensors [visual tokens, width] in a layer of Video-XL while it compresses a window (measured: 24.9)."""


@dataclass(frozen=True)
class Workload:
    """The amount that is colored at once.

    pixels: area of a drawing as the model sees it; drawings: largest number in a segment; colorings: number of
    colorings of the same drawings in one batch; guided: whether a second branch runs for guidance. context_parallel:
    number of GPUs that share the denoising of a segment.
    """

    pixels: int
    drawings: int
    colorings: int = 1
    guided: bool = True
    context_parallel: int = 1


@dataclass(frozen=True)
class Footprint:
    """The bytes that are needed. device: on the GPU; host: in main memory, for the weights that are not on the GPU."""

    device: int
    host: int


def skeleton(folder: Path) -> dict[str, nn.Module]:
    """Build the modules of a pipeline folder on the meta device: shapes without weights."""
    ours = {name: each for name, each in CLASSES.items() if name != "text_encoder"}
    with torch.device("meta"):
        modules = {name: each.from_config(each.load_config(folder, subfolder=name)) for name, each in ours.items()}
        modules["text_encoder"] = T5EncoderModel(T5Config.from_pretrained(folder, subfolder="text_encoder"))
    return modules


def weight_bytes(module: nn.Module, dtype: torch.dtype, eight_bits: bool = False) -> int:
    """Return the bytes of a module's weights in `dtype`. eight_bits: the weights of linear layers take one byte each,
    and each row takes 5 bytes for its scale and zero point, as in torchao."""
    size = sum(parameter.numel() for parameter in module.parameters()) * dtype.itemsize
    if eight_bits:
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                size -= layer.weight.numel() * (dtype.itemsize - 1) - 5 * layer.out_features
    return size


def pinned_bytes(module: nn.Module, dtype: torch.dtype, eight_bits: bool = False) -> int:
    """Return the bytes of page-locked copies of a module's weights: PyTorch's allocator rounds the size of each weight
    up to a power of two. eight_bits: the weights of linear layers take one byte each."""
    narrow = {layer.weight for layer in module.modules() if isinstance(layer, nn.Linear)} if eight_bits else set()
    sizes = (weight.numel() * (1 if weight in narrow else dtype.itemsize) for weight in module.parameters())
    return sum(2 ** (size - 1).bit_length() for size in sizes)


def activation_bytes(modules: Modules, workload: Workload, dtype: torch.dtype, tiling: bool) -> dict[str, int]:
    """Return the bytes of each stage's activations. tiling: the VAE works in overlapping tiles. It takes the colorings
    one after the other either way."""
    transformer, vae, video = (modules[name].config for name in ("transformer", "vae", "video_xl"))
    tower = modules["video_xl"].model.vision_tower.config
    size, frames = dtype.itemsize, workload.drawings

    width = transformer.num_attention_heads * transformer.attention_head_dim
    latents = 2 + ceil((frames - 1) / vae.temporal_compression_ratio)  # one more for the reference
    patch = 2 ** (len(vae.block_out_channels) - 1) * transformer.patch_size
    tokens = ceil(latents / (transformer.patch_size_t or 1)) * ceil(workload.pixels / patch**2)
    batch = workload.colorings * (1 + workload.guided)
    share = ceil(tokens / workload.context_parallel) + transformer.max_text_seq_length
    denoising = DENOISING_TENSORS * batch * share * width
    if workload.context_parallel > 1:
        denoising += EMBEDDED_TENSORS * batch * tokens * width

    area = min(workload.pixels, TILE[0] * TILE[1]) if tiling else workload.pixels
    finished = 2 * workload.colorings * frames * 3 * workload.pixels  # parts, and the frames that they make
    pictures = VAE_MAPS * vae.block_out_channels[0] * area + finished

    patches = (tower.image_size // tower.patch_size) ** 2 + 1
    looking = (tower.num_hidden_layers + TOWER_TENSORS) * FRAMES_AT_ONCE * patches * tower.hidden_size
    compressing = WINDOW_TENSORS * video.beacon_window * video.hidden_size
    copied = video.beacon_limit * 2 * video.num_hidden_layers * modules["video_xl"].memory_width
    text = DENOISING_TENSORS * transformer.max_text_seq_length * transformer.text_embed_dim
    return {
        "video_xl": size * max(looking, compressing + copied),
        "text_encoder": size * text,
        "denoising": size * denoising,
        "vae": size * pictures,
    }


def memory_bytes(modules: Modules, workload: Workload, dtype: torch.dtype) -> int:
    """Return the bytes of a shot's full memory, which is always on the GPU: the keys and values of Video-XL, and what
    DGLM makes of them."""
    video, memory = modules["video_xl"].config, modules["dynamic_memory"].config
    cached = 2 * video.num_hidden_layers * modules["video_xl"].memory_width
    mapped = 2 * memory.depth * memory.heads * memory.dim_head
    return workload.colorings * video.beacon_limit * (cached + mapped) * dtype.itemsize


def footprint(
    modules: Modules, workload: Workload, mode: str, dtype: torch.dtype, tiling: bool, pinned: bool = False
) -> Footprint:
    """Estimate the memory that `mode` (see `placement`) takes.

    On the GPU: margin + memory + the largest stage. In `full`, a stage counts all weights. In `model` and `int8`, it
    counts its own. In `group` and `fp8`, it counts the resident weights, the layer that works and the layer that is
    fetched.

    In main memory: margin + all weights. pinned: page-locked copies take the place of the weights that every step
    needs, one layer after the other.
    """
    eight_bits = STREAMED if mode in ("int8", "fp8") else ()
    weights = {name: weight_bytes(each, dtype, name in eight_bits) for name, each in modules.items()}
    total, resident = sum(weights.values()), sum(weights[name] for name in RESIDENT)
    needed = 0
    for stage, activations in activation_bytes(modules, workload, dtype, tiling).items():
        if mode == "full":
            held = total
        elif mode in ("model", "int8"):
            held = sum(weights[name] for name in STAGES[stage])
        else:
            streamed = [modules[name] for name in STAGES[stage] if name in STREAMED]
            held = resident + 2 * max((_largest_layer(each) for each in streamed), default=0) * dtype.itemsize
        needed = max(needed, held + activations)
    device = MARGIN + memory_bytes(modules, workload, dtype) + needed
    host = 0 if mode == "full" else MARGIN + total
    if pinned:
        for name in EVERY_STEP:
            host += pinned_bytes(modules[name], dtype, name in eight_bits) - weights[name]
        host += max(_largest_layer(modules[name]) for name in EVERY_STEP) * dtype.itemsize
    return Footprint(device, host)


def _largest_layer(module: nn.Module) -> int:
    """Return the number of parameters of the largest layer that contains no other layers."""
    return max(sum(p.numel() for p in layer.parameters(recurse=False)) for layer in module.modules())
