# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots to send: their drawings all differ, so that none is stored or colored only once."""

import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from server.images.codec import encode_png
from shared.digests import address_of
from shared.manifest import Keyframe, ShotManifest

from .instant_colorizer import paint

STROKES = 12
NUMBER_BITS = 40


def draw(number: int, width: int, height: int) -> np.ndarray:
    """Draw random curved strokes, uint8 [H, W]. Each number gives another drawing."""
    random = np.random.default_rng(number)
    art = np.full((height, width), 255, np.uint8)
    for start, turns in zip(random.random((STROKES, 2)), random.normal(0, 0.3, (STROKES, 24)), strict=True):
        angles = random.random() * 2 * np.pi + np.cumsum(turns)
        steps = np.stack([np.cos(angles), np.sin(angles)], axis=1) * height / 40
        points = start * (width, height) + np.cumsum(steps, axis=0)
        cv2.polylines(art, [points.round().astype(np.int32)], False, 0, max(1, height // 360), cv2.LINE_AA)
    art[0, :NUMBER_BITS] = [255 * (number >> bit & 1) for bit in range(NUMBER_BITS)]
    return art


@dataclass(frozen=True)
class SentShot:
    """A shot to send. blobs: its images by address."""

    manifest: ShotManifest
    blobs: dict[str, bytes]
    tint: tuple[int, int, int]

    def is_right(self, drawing: int, frame: bytes) -> bool:
        """Return whether a frame, a PNG, is the instant colorizer's result for a drawing."""
        art = np.asarray(Image.open(io.BytesIO(self.blobs[self.manifest.drawings[drawing]])))
        found = np.asarray(Image.open(io.BytesIO(frame)))
        return np.array_equal(found, paint(art, np.array(self.tint), drawing))


def make_shot(number: int, drawings: int, width: int, height: int, name: str = "load") -> SentShot:
    """Make the shot with this number. It has `drawings` drawings on ones and a keyframe of one color."""
    tint = (number % 256, 40 + number // 256 % 200, 120)
    images = [encode_png(draw(number * drawings + one, width, height)) for one in range(drawings)]
    key = encode_png(np.full((height, width, 3), tint, np.uint8))
    manifest = ShotManifest(
        name=f"{name} {number}",
        frame_start=1,
        fps=24.0,
        width=width,
        height=height,
        drawings=tuple(address_of(image) for image in images),
        timing=tuple(range(drawings)),
        keyframes=(Keyframe(1, address_of(key)),),
    )
    return SentShot(manifest, {address_of(image): image for image in (*images, key)}, tint)
