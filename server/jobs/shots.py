# SPDX-License-Identifier: GPL-3.0-or-later
"""From a manifest and its blobs to a shot, and from a finished segment to blobs and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from server.colorize.shot import SegmentResult, Shot
from server.images import encode_png, read_line_art, read_painted
from server.storage.blobs import Blobs
from shared.protocol import ShotManifest


class Drawings(Sequence[np.ndarray]):
    """The line art of a shot, uint8 [H, W] each, decoded when asked for: a long shot need not fit into memory."""

    def __init__(self, blobs: Blobs, addresses: tuple[str, ...]) -> None:
        self._blobs = blobs
        self._addresses = addresses

    def __len__(self) -> int:
        return len(self._addresses)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Drawings: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | Drawings:
        if isinstance(index, slice):
            return Drawings(self._blobs, self._addresses[index])
        return read_line_art(self._blobs.read(self._addresses[index]))


def read_shot(manifest: ShotManifest, blobs: Blobs) -> Shot:
    """Return the shot that `manifest` describes; its drawings are read lazily."""
    exposure = manifest.exposure
    return Shot(
        drawings=Drawings(blobs, manifest.drawings),
        keyframes={exposure.drawing_at(one.frame): read_painted(blobs.read(one.blob)) for one in manifest.keyframes},
        prompt=manifest.prompt,
        seed=manifest.seed,
        finish=manifest.finish,
    )


def store_segment(result: SegmentResult, blobs: Blobs) -> dict[str, Any]:
    """Store a finished segment; return its addresses as JSON values, the form a durable step keeps."""
    frames = {str(drawing): blobs.write(encode_png(frame)) for drawing, frame in result.frames.items()}
    return {"frames": frames, "state": blobs.write(result.state)}


def load_segment(addresses: dict[str, Any], blobs: Blobs) -> SegmentResult:
    """Return the segment that `store_segment` stored."""
    frames = {int(drawing): read_painted(blobs.read(blob)) for drawing, blob in addresses["frames"].items()}
    return SegmentResult(frames=frames, state=blobs.read(addresses["state"]))
