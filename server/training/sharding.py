# SPDX-License-Identifier: GPL-3.0-or-later
"""Sharding of frozen modules over the processes of a run, for bases that fill a GPU (FSDP, ZeRO stage 3).

Each process keeps an equal part of each layer's weights. A layer's parts are gathered when it runs, and dropped
afterward. What is trained is not sharded: Accelerate distributes it as before, so that optimizers, averages,
checkpoints and the written weights stay the same.

Accelerate's own FSDP mode wraps the module that is trained, together with its optimizer, and nothing else. On a CPU, it
is ignored. PyTorch's `fully_shard`, which it calls, is used directly here, on Accelerate's processes.
"""

from collections.abc import Iterator

import torch
from accelerate import PartialState
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard


def repeated_layers(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of a module's stacks: the entries of its outermost lists."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        else:
            yield from repeated_layers(child)


def shard(module: nn.Module, device: torch.device) -> None:
    """Shard the layers of a frozen module on `device` over all processes. What is outside its layers stays whole.

    All processes must then run the same layers in the same order. With one process, nothing changes.
    """
    processes = PartialState().num_processes
    if processes == 1:
        return
    mesh = init_device_mesh(device.type, (processes,))
    for layer in repeated_layers(module):
        fully_shard(layer, mesh=mesh, reshard_after_forward=True)
