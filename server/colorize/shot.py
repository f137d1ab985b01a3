# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot, decoded and ready to be coloured, and what colouring gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.protocol import Finish


@dataclass(frozen=True)
class Shot:
    """What the colouring needs to know of a shot. It knows distinct drawings in story order, not frames.

    drawings: line art, uint8 [H, W], 0 is line and 255 is paper. A lazy sequence may decode on access.
    keyframes: painted images by drawing index, uint8 RGB [H, W, 3]; at least one.
    prompt, seed, finish: as in `shared.protocol.ShotManifest`.
    """

    drawings: Sequence[np.ndarray]
    keyframes: Mapping[int, np.ndarray]
    prompt: str = ""
    seed: int = 0
    finish: Finish = "flats"


@dataclass(frozen=True)
class SegmentResult:
    """A finished segment.

    frames: finished RGB uint8 [H, W, 3] by drawing, line art on top. state: what later segments need, as bytes.
    """

    frames: dict[int, np.ndarray]
    state: bytes
