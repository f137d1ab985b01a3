# SPDX-License-Identifier: GPL-3.0-or-later
"""The I3D network of FVD (Unterthiner et al., 2018), as the TorchScript file that StyleGAN-V's authors published."""

from pathlib import Path

import torch
from torch.nn import functional as F

from .weights import MetricWeightsError

FILE = "i3d_torchscript.pt"
SHORTEST = 10
"""The smallest number of frames that the network accepts."""
_INPUT_SIDE = 224


class I3D:
    """Features of videos for FVD: the 400 logits of Kinetics. Raises MetricWeightsError for any other file."""

    def __init__(self, path: Path) -> None:
        try:
            self.network = torch.jit.load(path, map_location="cpu").eval()
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise MetricWeightsError(f"{path} is not a TorchScript file ({reason}): fetch the file again.") from error

    def to(self, device: torch.device) -> "I3D":
        """Move to a device."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, video: torch.Tensor) -> torch.Tensor:
        """Return the features [400] of a video [F, 3, H, W] in 0..1 of at least 10 frames."""
        size = (_INPUT_SIDE, _INPUT_SIDE)
        x = 2 * F.interpolate(video, size=size, mode="bilinear", align_corners=False) - 1
        return self.network(x.transpose(0, 1)[None], rescale=False, resize=False, return_features=True)[0]
