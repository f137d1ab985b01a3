# SPDX-License-Identifier: GPL-3.0-or-later
"""A color is changed over a whole shot without the server, in real Blender."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from .conftest import Scenario


def _pixels(folder: str, layer: str, frame: int) -> np.ndarray:
    return np.asarray(Image.open(Path(folder) / layer / f"{frame:04d}.png").convert("RGB")).astype(int)


def test_a_color_is_changed_in_every_frame_and_nothing_else(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("palette.recolor", str(tmp_path))
    assert "No color was changed" in answer["nothing"]
    assert "No color was changed" in answer["unchanged"]
    assert len(answer["palette"]) == 3, "a flat color for each of the three drawings"
    assert sum(share for *_, share in answer["palette"]) > 99.9
    assert (answer["state"], answer["number"], answer["parent"]) == ("done", 2, True)
    assert answer["note"] == f"#{bytes(answer['old']).hex()} → #ff0000"
    assert [mute for mute, _ in answer["strips"]] == [True, False]

    changed = 0
    for frame in range(3, 9):
        before, after = (_pixels(answer[name], "fills", frame) for name in ("first", "folder"))
        where = (before == answer["old"]).all(axis=2)
        changed += int(where.sum())
        assert (after[where] == (255, 0, 0)).all()
        assert (after[~where] == before[~where]).all()
        lines = np.asarray(Image.open(Path(answer["folder"]) / "lines" / f"{frame:04d}.png")).astype(int)
        alpha = lines[..., 3:] / 255
        assert (lines[alpha[..., 0] > 0][:, 2] == 255).all(), "the lines are blue"
        laid = after * (1 - alpha) + lines[..., :3] * alpha
        assert np.abs(_pixels(answer["folder"], "colored", frame) - laid).max() <= 1
    assert changed > 0
    assert not list(Path(answer["folder"]).parent.glob(".*")), "half a take was left"
