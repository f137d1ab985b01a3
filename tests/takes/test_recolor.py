# SPDX-License-Identifier: GPL-3.0-or-later
"""A recolored take is corrected as the take was: what is known of its keyframes and its own colors stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from .balls import BLUE, RED, SKY

Addon = Callable[[str], ModuleType]
SKY_HEX = "#bed2f0"


def test_a_recolored_take_keeps_its_corrections_and_its_own_colors(addon: Addon, take: Any, tmp_path: Path) -> None:
    first, second = (replace(take.manifest.keyframes[0], frame=frame, correction=frame - 3) for frame in (3, 4))
    (take.keyframes / "0003.png").write_bytes((take.colored / "0003.png").read_bytes())
    manifest = replace(take.manifest, keyframes=(first, second), palette=(SKY_HEX, "#010203"))
    known = replace(take, manifest=manifest)
    made = addon("takes.recolor").recolor(known, {SKY: SKY, RED: BLUE}, tmp_path / "made", 2)
    assert [(one.frame, one.correction) for one in made.manifest.keyframes] == [(3, 0), (4, 1)]
    assert made.manifest.keyframes[1].blob != second.blob
    assert made.manifest.palette == (SKY_HEX, "#010203", "#1428dc")
    merged = addon("takes.recolor").recolor(known, {SKY: SKY, RED: SKY}, tmp_path / "merged", 3)
    assert len({*merged.manifest.palette}) == 3, "two colors that look the same stay two in a correction"
