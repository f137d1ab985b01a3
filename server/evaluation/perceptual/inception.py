# SPDX-License-Identifier: GPL-3.0-or-later
"""The Inception-v3 of FID, as published with TensorFlow in 2015 and ported to PyTorch (Heusel et al., 2017).

Its names are torchvision's. It differs from torchvision's network in two places: average pooling does not count the
padding, and the last block pools by the maximum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from .weights import filled, read_state_dict

FILE = "pt_inception-2015-12-05-6726825d.pth"
_INPUT_SIDE = 299

Pool = Literal["average", "maximum", "halving"]


@dataclass(frozen=True)
class _Layer:
    """A convolution of a branch: name, output channels, kernel (height, width) and stride. Stride 2 has no padding."""

    name: str
    width: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1


Step = tuple[_Layer, ...]
"""Parallel convolutions on the same input, concatenated by channel."""


class _Convolution(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], stride: int = 1, padding: tuple[int, int] = (0, 0)
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Mixed(nn.Module):
    """Branches of convolutions, concatenated by channel. The last branch pools first."""

    def __init__(self, inputs: int, branches: Sequence[Sequence[Step]], pool: Pool, pool_width: int = 0) -> None:
        super().__init__()
        self.pool = pool
        self.branches = [[[layer.name for layer in step] for step in branch] for branch in branches]
        for branch in branches:
            channels = inputs
            for step in branch:
                for layer in step:
                    height, width = layer.kernel
                    padding = (0, 0) if layer.stride == 2 else (height // 2, width // 2)
                    part = _Convolution(channels, layer.width, layer.kernel, layer.stride, padding)
                    self.add_module(layer.name, part)
                channels = sum(layer.width for layer in step)
        self.branch_pool = _Convolution(inputs, pool_width, (1, 1)) if pool_width else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        joined = []
        for branch in self.branches:
            y = x
            for step in branch:
                y = torch.cat([self.get_submodule(name)(y) for name in step], dim=1)
            joined.append(y)
        if self.pool == "average":
            pooled = F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)
        elif self.pool == "maximum":
            pooled = F.max_pool2d(x, 3, 1, padding=1)
        else:
            pooled = F.max_pool2d(x, 3, 2)
        joined.append(self.branch_pool(pooled) if self.branch_pool else pooled)
        return torch.cat(joined, dim=1)


def _chain(name: str, *layers: tuple[int, tuple[int, int]], halving: bool = False) -> list[Step]:
    """A branch of sequential convolutions, named name_1, name_2 …, or just name if there is one. halving: the last one
    has stride 2."""
    names = [f"{name}_{number}" for number in range(1, len(layers) + 1)] if len(layers) > 1 else [name]
    strides = [1] * (len(layers) - 1) + [2 if halving else 1]
    return [
        (_Layer(called, width, kernel, stride),)
        for called, (width, kernel), stride in zip(names, layers, strides, strict=True)
    ]


_1, _3, _5, _ROW, _COLUMN = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)


def _mixed_5(inputs: int, pool_width: int) -> _Mixed:
    branches = [
        _chain("branch1x1", (64, _1)),
        _chain("branch5x5", (48, _1), (64, _5)),
        _chain("branch3x3dbl", (64, _1), (96, _3), (96, _3)),
    ]
    return _Mixed(inputs, branches, "average", pool_width)


def _mixed_6(width: int) -> _Mixed:
    branches = [
        _chain("branch1x1", (192, _1)),
        _chain("branch7x7", (width, _1), (width, _ROW), (192, _COLUMN)),
        _chain("branch7x7dbl", (width, _1), (width, _COLUMN), (width, _ROW), (width, _COLUMN), (192, _ROW)),
    ]
    return _Mixed(768, branches, "average", 192)


def _mixed_7(inputs: int, pool: Pool) -> _Mixed:
    def fork(name: str) -> Step:
        return (_Layer(f"{name}a", 384, (1, 3)), _Layer(f"{name}b", 384, (3, 1)))

    branches = [
        _chain("branch1x1", (320, _1)),
        [(_Layer("branch3x3_1", 384),), fork("branch3x3_2")],
        [(_Layer("branch3x3dbl_1", 448),), (_Layer("branch3x3dbl_2", 384, _3),), fork("branch3x3dbl_3")],
    ]
    return _Mixed(inputs, branches, pool, 192)


class FIDInception(nn.Module):
    """Features of images for FID, 2048 of them."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Convolution(3, 32, _3, stride=2)
        self.Conv2d_2a_3x3 = _Convolution(32, 32, _3)
        self.Conv2d_2b_3x3 = _Convolution(32, 64, _3, padding=(1, 1))
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = _Convolution(64, 80, _1)
        self.Conv2d_4a_3x3 = _Convolution(80, 192, _3)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        self.Mixed_5b = _mixed_5(192, 32)
        self.Mixed_5c = _mixed_5(256, 64)
        self.Mixed_5d = _mixed_5(288, 64)
        halving_6 = [
            _chain("branch3x3", (384, _3), halving=True),
            _chain("branch3x3dbl", (64, _1), (96, _3), (96, _3), halving=True),
        ]
        self.Mixed_6a = _Mixed(288, halving_6, "halving")
        self.Mixed_6b = _mixed_6(128)
        self.Mixed_6c = _mixed_6(160)
        self.Mixed_6d = _mixed_6(160)
        self.Mixed_6e = _mixed_6(192)
        halving_7 = [
            _chain("branch3x3", (192, _1), (320, _3), halving=True),
            _chain("branch7x7x3", (192, _1), (192, _ROW), (192, _COLUMN), (192, _3), halving=True),
        ]
        self.Mixed_7a = _Mixed(768, halving_7, "halving")
        self.Mixed_7b = _mixed_7(1280, "average")
        self.Mixed_7c = _mixed_7(2048, "maximum")

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return features [B, 2048] of images [B, 3, H, W] in 0..1."""
        size = (_INPUT_SIDE, _INPUT_SIDE)
        x = 2 * F.interpolate(images, size=size, mode="bilinear", align_corners=False) - 1
        for layer in self.children():
            x = layer(x)
        return x.mean((2, 3))


def load_inception(path: Path) -> FIDInception:
    """Load the published weights without the classifier's. Raises MetricWeightsError."""
    state = read_state_dict(path)
    return filled(FIDInception(), {name: part for name, part in state.items() if not name.startswith("fc.")}, path)
