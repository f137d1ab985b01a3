# SPDX-License-Identifier: GPL-3.0-or-later
"""Line art of a painted image that has no line drawing, such as a reference from outside the shot (paper §4.1).

A keyframe whose frame is in the shot does not need it: its own line art is its sketch.
"""

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import nn


class LineExtractor(Protocol):
    """Draws the lines of an image."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Turn RGB uint8 [H, W, 3] into line art uint8 [H, W], 0 line and 255 paper, as `sketch_signal` takes it."""
        ...


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        other = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        self.conv_block = nn.Sequential(*half, nn.ReLU(), *other)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features + self.conv_block(features)


class _Generator(nn.Module):
    """The published network. Its modules have the published names."""

    def __init__(self) -> None:
        super().__init__()
        self.model0 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), nn.InstanceNorm2d(64), nn.ReLU())
        self.model1 = nn.Sequential(
            *(nn.Conv2d(64, 128, 3, 2, 1), nn.InstanceNorm2d(128), nn.ReLU()),
            *(nn.Conv2d(128, 256, 3, 2, 1), nn.InstanceNorm2d(256), nn.ReLU()),
        )
        self.model2 = nn.Sequential(_Residual(256), _Residual(256), _Residual(256))
        self.model3 = nn.Sequential(
            *(nn.ConvTranspose2d(256, 128, 3, 2, 1, 1), nn.InstanceNorm2d(128), nn.ReLU()),
            *(nn.ConvTranspose2d(128, 64, 3, 2, 1, 1), nn.InstanceNorm2d(64), nn.ReLU()),
        )
        self.model4 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(64, 1, 7), nn.Sigmoid())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.model4(self.model3(self.model2(self.model1(self.model0(images)))))


class InformativeDrawings:
    """The extractor of the paper: Chan et al., "Learning to Generate Line Drawings that Convey Geometry and Semantics",
    2022.

    weights: the published generator (`model.pth`, `netG_A_latest.pth`). device: what it computes on. Raises
    RuntimeError, which names them, for other weights.
    """

    def __init__(self, weights: Path, device: str | torch.device = "cpu") -> None:
        self._device = device
        self._generator = _Generator().eval()
        self._generator.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), strict=True)
        self._generator.to(device)

    @torch.no_grad()
    def __call__(self, image: np.ndarray) -> np.ndarray:
        """See `LineExtractor`."""
        height, width = image.shape[:2]
        whole = cv2.copyMakeBorder(image, 0, -height % 4, 0, -width % 4, cv2.BORDER_REPLICATE)
        lines = self._generator(torch.from_numpy(whole).to(self._device).permute(2, 0, 1)[None].float() / 255)
        return (lines[0, 0, :height, :width] * 255).round().byte().cpu().numpy()
