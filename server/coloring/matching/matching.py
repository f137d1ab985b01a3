# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that match drawings, together."""

from dataclasses import dataclass
from pathlib import Path

import torch

from .network import LineMatcher
from .settler import Settler


@dataclass(frozen=True)
class Matching:
    """The line matcher, and the settler of its votes."""

    matcher: LineMatcher
    settler: Settler

    @classmethod
    def load(cls, weights: Path, device: torch.device, dtype: torch.dtype = torch.float32) -> "Matching":
        """Load both from a folder onto a device. dtype: of the matcher; the settler is small, and stays float32."""
        matcher = LineMatcher.from_pretrained(weights / "line_matcher", torch_dtype=dtype)
        settler = Settler.from_pretrained(weights / "settler", torch_dtype=torch.float32)
        return cls(matcher.to(device, memory_format=torch.channels_last), settler.to(device))
