# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping from published weights to the weights of the pipeline. Every key is used, or listed as unused."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from .errors import ConversionError
from .tensors import StoredTensor, read_weights

Rename = Callable[[str], str | None]
"""From a published name to the pipeline's; None for a weight that the model does not use."""

VIDEO_XL_TOWER = "model.vision_tower.vision_tower.vision_model."
"""The prefix of the vision tower's names in Video-XL's own files."""

UNUSED = re.compile(
    r".*\.rotary_emb\.inv_freq"  # buffers of older versions of transformers, computed today
    r"|.*\.embeddings\.position_ids"
    r"|model\.image_newline"  # Video-XL: separates the rows of a still image, but we only use video
    r"|encoder\.embed_tokens\.weight"  # T5: the same tensor as shared.weight
    r"|text_model\..*|text_projection\.weight|visual_projection\.weight|logit_scale"  # CLIP, except its tower
)
"""The published keys that the stack does not use. Any other key without a counterpart in the stack is an error."""


@dataclass(frozen=True)
class WeightFile:
    """A weight file to write. It is made from one published file, with a new name for each tensor."""

    source: Path
    tensors: Sequence[tuple[str, StoredTensor]]


def same_name(name: str) -> str | None:
    """For the modules that keep their published names."""
    return None if UNUSED.fullmatch(name) else name


def video_xl_name(name: str) -> str | None:
    """For Video-XL's own files, where the tower's names have two levels more than in transformers today."""
    if UNUSED.fullmatch(name):
        return None
    if name.startswith(VIDEO_XL_TOWER):
        return "model.vision_tower." + name.removeprefix(VIDEO_XL_TOWER)
    return name


def tower_name(name: str) -> str | None:
    """For a CLIP that was downloaded separately."""
    if UNUSED.fullmatch(name):
        return None
    return "model.vision_tower." + name.removeprefix("vision_model.")


def assign(part: str, module: nn.Module, sources: Iterable[tuple[Sequence[Path], Rename]]) -> list[WeightFile]:
    """Find a published tensor for each weight of `module`.

    module: on the meta device. sources: published files, and the names of their keys in `module`.
    Raises ConversionError, which names the key, for a key that is unexpected, missing, duplicated, of another shape or
    of a number type that cannot be converted.
    """
    wanted = {name: tuple(weight.shape) for name, weight in module.named_parameters()}  # tied weights once
    files, found, read = [], dict[str, Path](), []
    for paths, rename in sources:
        for path in paths:
            read.append(path)
            tensors = [(rename(tensor.name), tensor) for tensor in read_weights(path)]
            kept = [(name, tensor) for name, tensor in tensors if name is not None]
            for name, tensor in kept:
                _check(part, path, name, tensor, wanted, found)
                found[name] = path
            if kept:
                files.append(WeightFile(path, kept))
    missing = [name for name in wanted if name not in found]
    if missing:
        names = ", ".join(f"{name} {wanted[name]}" for name in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ConversionError(
            f"{part}: missing {names}{more}; read were {', '.join(map(str, read))}. Download them again."
        )
    return files


def _check(
    part: str,
    path: Path,
    name: str,
    tensor: StoredTensor,
    wanted: Mapping[str, tuple[int, ...]],
    found: Mapping[str, Path],
) -> None:
    if name not in wanted:
        raise ConversionError(
            f"{path}: unexpected key {tensor.name} {tensor.shape}; {part} has no such weight. Is this the right file?"
        )
    if name in found:
        raise ConversionError(f"{path}: {tensor.name} is in {found[name]} too. Keep the one that belongs to {part}.")
    if tensor.shape != wanted[name]:
        raise ConversionError(
            f"{path}: {tensor.name} has the shape {tensor.shape}, and {part} needs {wanted[name]}. "
            "Is this the right file?"
        )
    if not isinstance(tensor.dtype, torch.dtype) or not tensor.dtype.is_floating_point:
        raise ConversionError(f"{path}: {tensor.name} is {tensor.dtype}; only F32, F16 and BF16 can be converted.")
