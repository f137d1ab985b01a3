# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline that a stage trains: modules of earlier stages, modules of a base, and reinitialized modules."""

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
    """The class of a module, the function that makes the tiny one, and the stage that trains it."""

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
    reinitialized: Collection[str] = (),
    excluded: Collection[str] = (),
    dtype: torch.dtype = torch.float32,
) -> LongAnimationPipeline:
    """Return a pipeline with the modules in `folder`, and otherwise those of `base` in `dtype`. All of them are frozen.

    Args:
        reinitialized: modules that get initial weights if `folder` has none. On a base, DGLM starts with zeros in
            `proj_out`, and SketchDiT starts as a copy of the first blocks of the base, with zeros in `zero_conv`
            (§3.2.1). Without a base, modules start as in the tiny stack.
        excluded: modules that are not needed.

    Raises:
        FileNotFoundError: a module is missing; the message says which stage comes first.
    """
    parts: dict[str, Any] = {
        name: part.kind.from_pretrained(folder / name).float()  # type: ignore[attr-defined]
        for name, part in _PARTS.items()
        if name not in excluded and (folder / name).is_dir()
    }
    if base is not None:
        if not (base / "model_index.json").is_file():
            raise FileNotFoundError(
                f"{base} has no model_index.json: --base takes a pipeline's folder, such as `python -m server convert` "
                "makes of the published weights"
            )
        initialized = [name for name in reinitialized if name not in parts]
        parts |= dict.fromkeys(excluded)
        pipeline = LongAnimationPipeline.from_pretrained(base, dtype=dtype, **parts)
        if "sketch_dit" in initialized:
            pipeline.register_modules(sketch_dit=_first_blocks(pipeline.transformer, pipeline.sketch_dit))
        if "dynamic_memory" in initialized:
            memory = DynamicGlobalLocalMemory.from_config(pipeline.dynamic_memory.config)
            pipeline.register_modules(dynamic_memory=memory)
    else:
        for name, part in _PARTS.items():
            if name in reinitialized and name not in parts:
                parts[name] = part.tiny()
            elif name not in parts and name not in excluded:
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
    """Return a SketchDiT with the configuration of `like` and the weights of the transformer's first blocks."""
    sketch_dit = SketchDiT.from_config(like.config)
    weights = transformer.state_dict()
    own = sketch_dit.state_dict()
    sketch_dit.load_state_dict({name: weights.get(name, own[name]) for name in own})
    return sketch_dit
