# SPDX-License-Identifier: GPL-3.0-or-later
"""A small finished take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.digests import address_of
from shared.manifest import Keyframe, ShotManifest

from .balls import SIZE, TIMING, drawing

Addon = Callable[[str], ModuleType]


@pytest.fixture
def take(addon: Addon, tmp_path: Path) -> Any:
    """A finished take of four drawings, the first of which is held."""
    folder = tmp_path / "take"
    for name in ("lineart", "keyframes", "fills", "colored"):
        (folder / name).mkdir(parents=True)
    addresses = []
    for frame, index in enumerate(TIMING, start=1):
        fills, lines = drawing(index)
        Image.fromarray(lines).save(folder / "lineart" / f"{frame:04d}.png")
        addresses.append(address_of((folder / "lineart" / f"{frame:04d}.png").read_bytes()))
        Image.fromarray(fills).save(folder / "fills" / f"{frame:04d}.png")
        Image.fromarray(np.minimum(fills, lines[..., None])).save(folder / "colored" / f"{frame:04d}.png")
    (folder / "keyframes" / "0004.png").write_bytes((folder / "colored" / "0004.png").read_bytes())
    manifest = ShotManifest(
        name="Balls",
        frame_start=1,
        fps=24.0,
        width=SIZE[0],
        height=SIZE[1],
        drawings=tuple(dict.fromkeys(addresses)),
        timing=TIMING,
        keyframes=(Keyframe(4, address_of((folder / "keyframes" / "0004.png").read_bytes())),),
    )
    made = addon("takes.take").Take(folder, "11111111-1111-4111-8111-111111111111", manifest, state="done")
    made.save()
    return made
