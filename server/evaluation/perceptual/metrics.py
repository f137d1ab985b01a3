# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of those metrics among LPIPS, FID and FVD that can be measured, and the features that they need."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from . import i3d, inception
from .i3d import I3D
from .inception import FIDInception, load_inception
from .lpips import ALEXNET, LPIPS, VGG16, load_lpips

METRIC_WEIGHTS = Path(__file__).parents[2] / "weights" / "metrics"
"""The folder for published weights. The project includes none."""
_BATCH = 16


@dataclass(frozen=True)
class PerceptualMetrics:
    """The metrics whose weights were found.

    refused: for each of the others ("LPIPS", "FID", "FVD") a sentence that names the missing files and their place.
    """

    lpips: LPIPS | None = None
    inception: FIDInception | None = None
    i3d: I3D | None = None
    refused: dict[str, str] = field(default_factory=dict)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def titles(self) -> tuple[str, ...]:
        """The measured metrics, in words."""
        found = {f"LPIPS ({self.lpips.trunk.title})" if self.lpips else "", "FID" if self.inception else ""}
        return tuple(sorted((found | {"FVD" if self.i3d else ""}) - {""}))

    def distances(self, first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> np.ndarray | None:
        """LPIPS [N] between frames uint8 [H, W, 3]; None when it is refused."""
        if self.lpips is None:
            return None
        batches = range(0, len(first), _BATCH)
        parts = [self.lpips(*(self._signal(side[at : at + _BATCH]) for side in (first, second))) for at in batches]
        return torch.cat(parts).cpu().numpy()

    def image_features(self, frames: Sequence[np.ndarray]) -> np.ndarray | None:
        """Features [N, 2048] of frames uint8 [H, W, 3] for FID; None when it is refused."""
        if self.inception is None:
            return None
        batches = range(0, len(frames), _BATCH)
        return torch.cat([self.inception(self._signal(frames[at : at + _BATCH])) for at in batches]).cpu().numpy()

    def video_features(self, frames: Sequence[np.ndarray]) -> np.ndarray | None:
        """Features [400] of a video for FVD, frames uint8 [H, W, 3]; None when it is refused or too short."""
        if self.i3d is None or len(frames) < i3d.SHORTEST:
            return None
        return self.i3d(self._signal(frames)).cpu().numpy()

    def _signal(self, frames: Sequence[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(frames)).to(self.device).permute(0, 3, 1, 2).float() / 255


def load_perceptual_metrics(folder: Path = METRIC_WEIGHTS) -> PerceptualMetrics:
    """Load the metrics that `folder` has weights for. LPIPS uses AlexNet, as its authors advise for comparisons,
    otherwise VGG16.

    Raises MetricWeightsError for a file that does not match its name.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    refused: dict[str, str] = {}
    place = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    trunks = [trunk for trunk in (ALEXNET, VGG16) if not _missing(folder, trunk.backbone, trunk.heads)]
    if not trunks:
        choices = " or ".join(f"`{trunk.backbone}` and `{trunk.heads}` ({trunk.title})" for trunk in (ALEXNET, VGG16))
        refused["LPIPS"] = (
            f"LPIPS is not measured: put {choices} into `{place}`, torchvision's state dict and the linear layers of "
            "LPIPS 0.1."
        )
    for metric, file, what in (
        ("FID", inception.FILE, "the state dict of pytorch-fid"),
        ("FVD", i3d.FILE, "the TorchScript file of StyleGAN-V"),
    ):
        if _missing(folder, file):
            refused[metric] = f"{metric} is not measured: put `{file}` into `{place}`, {what}."
    return PerceptualMetrics(
        load_lpips(folder, trunks[0]).to(device) if trunks else None,
        None if "FID" in refused else load_inception(folder / inception.FILE).to(device),
        None if "FVD" in refused else I3D(folder / i3d.FILE).to(device),
        refused,
        device,
    )


def _missing(folder: Path, *files: str) -> bool:
    return not all((folder / file).is_file() for file in files)
