# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe reading of published weight files, and checks against the network that they are for."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class MetricWeightsError(ValueError):
    """A weight file of a metric cannot be used. The message names the file and says what is wrong."""


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict, tensors only. Raises MetricWeightsError."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise MetricWeightsError(f"{path} is not a PyTorch state dict ({reason}): fetch the file again.") from error
    if not isinstance(state, Mapping) or not all(torch.is_tensor(value) for value in state.values()):
        raise MetricWeightsError(f"{path} has more than named tensors: fetch the published state dict.")
    return dict(state)


def filled(network: Network, state: Mapping[str, torch.Tensor], path: Path) -> Network:
    """Load a whole state dict, read from `path`, into a network, and prepare the network for use.

    Raises MetricWeightsError when names or shapes differ.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(line.strip() for line in str(error).splitlines()[:3])
        raise MetricWeightsError(f"{path} is not the published file: {reason}") from error
    return network.eval().requires_grad_(False)
