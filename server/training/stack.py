# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline that a stage trains: what earlier stages wrote, what a base gives, and what begins anew."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX
from torch import nn
from transformers import T5EncoderModel

from server.longanimation import (
    DynamicGlobalLocalMemory,
    LongAnimationPipeline,
    LongAnimationTransformer3DModel,
    SketchDiT,
    VideoXL,
)
from server.longanimation.tiny import (
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


@dataclass(frozen=True)
class _Part:
    """How a module is read, how the tiny one begins, and which stage learns it."""

    kind: type
    tiny: Callable[[], nn.Module]
    stage: str


_PARTS = {
    "vae": _Part(AutoencoderKLCogVideoX, tiny_vae, "vae"),
    "text_encoder": _Part(T5EncoderModel, tiny_text_encoder, "sketch"),
    "transformer": _Part(LongAnimationTransformer3DModel, tiny_transformer, "sketch"),
    "sketch_dit": _Part(SketchDiT, tiny_sketch_dit, "sketch"),
    "video_xl": _Part(VideoXL, tiny_video_xl, "describe"),
    "dynamic_memory": _Part(DynamicGlobalLocalMemory, tiny_memory, "memory"),
}
MEMORY_PARTS = ("video_xl", "dynamic_memory")


def load_stack(
    folder: Path,
    base: Path | None,
    anew: Collection[str] = (),
    left_out: Collection[str] = (),
    dtype: torch.dtype = torch.float32,
) -> LongAnimationPipeline:
    """Return a pipeline whose modules are those in `folder`, else those of `base` in `dtype`; all of them frozen.

    anew: what begins anew where `folder` does not have it: DGLM silent, SketchDiT as the first blocks of the base, with
        a `zero_conv` of zero (§3.2.1), and without a base everything as the tiny stack begins.
    left_out: modules that are not needed.

    Raises FileNotFoundError when a module is nowhere; it says which stage comes first.
    """
    parts: dict[str, Any] = {
        name: part.kind.from_pretrained(folder / name).float()  # type: ignore[attr-defined]
        for name, part in _PARTS.items()
        if name not in left_out and (folder / name).is_dir()
    }
    if base is not None:
        if not (base / "model_index.json").is_file():
            raise FileNotFoundError(
                f"{base} has no model_index.json: --base takes a pipeline's folder, such as `python -m server convert` "
                "makes of the published weights"
            )
        begun = [name for name in anew if name not in parts]
        parts |= dict.fromkeys(left_out)
        pipeline = LongAnimationPipeline.from_pretrained(base, dtype=dtype, **parts)
        if "sketch_dit" in begun:
            pipeline.register_modules(sketch_dit=_first_blocks(pipeline.transformer, pipeline.sketch_dit))
        if "dynamic_memory" in begun:
            memory = DynamicGlobalLocalMemory.from_config(pipeline.dynamic_memory.config)
            pipeline.register_modules(dynamic_memory=memory)
    else:
        for name, part in _PARTS.items():
            if name in anew and name not in parts:
                parts[name] = part.tiny()
            elif name not in parts and name not in left_out:
                raise FileNotFoundError(f"{folder / name} is missing: train the stage `{part.stage}` first")
        parts |= {name: None for name in _PARTS if name not in parts}
        pipeline = LongAnimationPipeline(
            tokenizer=tiny_tokenizer(),
            video_tokenizer=tiny_video_tokenizer(),
            scheduler=tiny_scheduler(),
            **parts,
        )
    for component in pipeline.components.values():
        if isinstance(component, nn.Module):
            component.requires_grad_(False)
    return pipeline


def _first_blocks(transformer: LongAnimationTransformer3DModel, like: SketchDiT) -> SketchDiT:
    """SketchDiT of the configuration of `like`, with the weights of the transformer's first blocks."""
    sketch_dit = SketchDiT.from_config(like.config)
    weights = transformer.state_dict()
    own = sketch_dit.state_dict()
    sketch_dit.load_state_dict({name: weights.get(name, own[name]) for name in own})
    return sketch_dit
