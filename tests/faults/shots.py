# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots that differ from all other jobs of a campaign, and the frames that each must produce."""

import random
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from server.coloring.line_art.drawing import read_drawing
from server.coloring.shot import Shot
from server.images.codec import encode_png, read_rgba
from shared.digests import address_of
from shared.manifest import Keyframe, ShotManifest
from tests.server.conftest import HEIGHT, WIDTH, SmallShot, png
from tests.server.stand_in import StandIn


@dataclass(frozen=True)
class FaultShot:
    """A shot and its images by address."""

    manifest: ShotManifest
    blobs: dict[str, bytes]

    def frames(self) -> dict[int, bytes]:
        """Return the PNG of every frame as an undisturbed run in this process colors it."""
        manifest = self.manifest
        drawings = [read_drawing(read_rgba(self.blobs[address])).line_art for address in manifest.drawings]
        keyframes = {
            manifest.exposure.drawing_at(one.frame): read_rgba(self.blobs[one.blob]) for one in manifest.keyframes
        }
        finished: dict[int, bytes] = {}
        with tempfile.TemporaryDirectory() as folder:
            coloring = StandIn(Path(folder)).open(Shot(drawings=drawings, keyframes=keyframes, seed=manifest.seed))
            for index in range(len(coloring.segments)):
                colored = coloring.color(index).frames
                finished |= {drawing: encode_png(frame) for drawing, frame in colored.items()}
        return {frame: finished[manifest.exposure.drawing_at(frame)] for frame in manifest.exposure.frames}


def draw_shot(seed: int, slow: bool) -> FaultShot:
    """Draw a shot of eight drawings. Every seed gives other images, so that no job reuses the frames of another."""
    rng = random.Random(seed)
    images = []
    for _ in range(8):
        drawing = np.full((HEIGHT, WIDTH), 255, np.uint8)
        for _ in range(2):
            drawing[:, rng.randrange(WIDTH)] = 0
            drawing[rng.randrange(HEIGHT), :] = 0
            drawing[rng.randrange(HEIGHT), rng.randrange(WIDTH)] ^= 255
        images.append(png(drawing))
    keyframe = png(np.full((HEIGHT, WIDTH, 3), [rng.randrange(256) for _ in range(3)], np.uint8))
    manifest = replace(
        SmallShot().manifest,
        name=f"shot {seed}",
        drawings=tuple(address_of(image) for image in images),
        keyframes=(Keyframe(105, address_of(keyframe)),),
        prompt="slow" if slow else "",
        seed=seed,
    )
    return FaultShot(manifest, {address_of(image): image for image in (*images, keyframe)})
