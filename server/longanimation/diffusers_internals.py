# SPDX-License-Identifier: GPL-3.0-or-later
"""The internals of Diffusers that this package uses. When an upgrade of Diffusers breaks something,
`tests/longanimation/test_diffusers_internals.py` says which of them has changed.

These names also belong to the internals. They are part of classes, so they cannot be moved here:
- `_no_split_modules`, `_repeated_blocks` (`ModelMixin`): the blocks that Accelerate does not split over devices, and
  those that `compile_repeated_blocks` compiles.
- `_optional_components`, `_execution_device` (`DiffusionPipeline`): the modules that may be None, and the device that
  inputs go to, whatever hooks the modules have.
"""

from typing import Any

import torch
from diffusers import ModelMixin
from diffusers.hooks._helpers import TransformerBlockMetadata, TransformerBlockRegistry
from torch import nn


def register_block(block_class: type[nn.Module]) -> None:
    """Register a transformer block that returns (hidden states, encoder hidden states) with Diffusers' caches.

    The registry has no public interface. Without the registration, `enable_cache` raises ValueError for a model with
    such blocks.
    """
    metadata = TransformerBlockMetadata(return_hidden_states_index=0, return_encoder_hidden_states_index=1)
    TransformerBlockRegistry.register(block_class, metadata)


def replace_block_class(blocks: nn.ModuleList, stock: type[nn.Module], ours: type[nn.Module]) -> None:
    """Turn the stock blocks of a model into blocks of a subclass that changes only `forward`.

    Diffusers cannot be told which class to use for a model's blocks. Replacing them with new modules would allocate the
    weights twice, and would have to repeat how Diffusers makes its blocks from the configuration.

    Raises TypeError when a block is not of the stock class.
    """
    for block in blocks:
        if type(block) is not stock:
            raise TypeError(f"The block is a {type(block).__name__}, not a {stock.__name__}: Diffusers has changed it.")
        block.__class__ = ours


def run_block(model: ModelMixin, block: nn.Module, *arguments: Any) -> Any:
    """Run one of the model's blocks. With gradient checkpointing, the block is computed again in the backward pass."""
    if torch.is_grad_enabled() and model.gradient_checkpointing:
        return model._gradient_checkpointing_func(block, *arguments)
    return block(*arguments)
