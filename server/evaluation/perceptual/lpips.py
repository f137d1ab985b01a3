# SPDX-License-Identifier: GPL-3.0-or-later
"""LPIPS 0.1, the learned perceptual distance (Zhang et al., 2018, arXiv 1801.03924)."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from .weights import filled, read_state_dict

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""ImageNet's mean and deviation for images in −1..1, as LPIPS rounds them."""


@dataclass(frozen=True)
class Trunk:
    """A network whose features LPIPS compares.

    title: its name in tables; backbone: file name of torchvision's state dict; heads: file name of LPIPS's linear
    layers; taps: the layers that are compared, by index in torchvision's `features`.
    """

    title: str
    backbone: str
    heads: str
    taps: tuple[int, ...]

    def features(self) -> nn.Sequential:
        """The convolutional part, up to the last tap, numbered as in torchvision."""
        return _alexnet() if self.heads == "alex.pth" else _vgg16()


ALEXNET = Trunk("AlexNet", "alexnet-owt-7be5be79.pth", "alex.pth", (1, 4, 7, 9, 11))
VGG16 = Trunk("VGG16", "vgg16-397923af.pth", "vgg.pth", (3, 8, 15, 22, 29))


class LPIPS(nn.Module):
    """The distance between two images: their features' squared difference, weighted by channel."""

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.features = trunk.features()
        channels = [layer.out_channels for layer in self.features if isinstance(layer, nn.Conv2d)]
        convolutions = [index for index, layer in enumerate(self.features) if isinstance(layer, nn.Conv2d)]
        self.heads = nn.ParameterList(
            nn.Parameter(torch.zeros(1, channels[convolutions.index(tap - 1)], 1, 1)) for tap in trunk.taps
        )
        self.register_buffer("shift", torch.tensor(_SHIFT)[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE)[:, None, None], persistent=False)

    @torch.no_grad()
    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the distance [B] between images [B, 3, H, W] in 0..1."""
        x = (2 * torch.cat([first, second]) - 1 - self.shift) / self.scale
        distance = x.new_zeros(len(first))
        heads = iter(self.heads)
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.trunk.taps:
                a, b = (x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)).chunk(2)
                distance += ((a - b).square() * next(heads)).sum(1).mean((1, 2))
        return distance


def load_lpips(folder: Path, trunk: Trunk) -> LPIPS:
    """Load LPIPS from torchvision's state dict and the file of linear layers. Raises MetricWeightsError."""
    backbone, heads = folder / trunk.backbone, folder / trunk.heads
    network = LPIPS(trunk)
    state = read_state_dict(backbone)
    filled(
        network.features,
        {name.removeprefix("features."): tensor for name, tensor in state.items() if name.startswith("features.")},
        backbone,
    )
    linear = read_state_dict(heads)
    filled(network.heads, {name[3:].replace(".model.1.weight", ""): tensor for name, tensor in linear.items()}, heads)
    return network.eval()


def _alexnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
    )


def _vgg16() -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers[:-1])
