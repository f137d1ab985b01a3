# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's drawings are traced in processes, or in threads if there are none, and what is wrong is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Addon = Callable[[str], ModuleType]

RED, PAPER = (200, 30, 30), (240, 240, 230)


@pytest.fixture
def take(addon: Addon, tmp_path: Path) -> Any:
    """A take of three drawings: a red square that grows."""
    messages, takes, images = (addon(name) for name in ("shared.manifest", "takes.take", "png_pixels"))
    for layer in ("fills", "lineart"):
        (tmp_path / layer).mkdir()
    for frame in (1, 2, 3):
        picture = np.full((40, 60, 3), PAPER, np.uint8)
        picture[10 : 10 + 5 * frame, 20 : 20 + 5 * frame] = RED
        images.write_png(tmp_path / "fills" / f"{frame:04d}.png", picture)
        images.write_png(tmp_path / "lineart" / f"{frame:04d}.png", np.full((40, 60), 255, np.uint8))
    manifest = messages.ShotManifest(
        name="Square", frame_start=1, fps=24.0, width=60, height=40, timing=(0, 1, 2),
        drawings=tuple(f"{index:064x}" for index in range(3)), keyframes=(messages.Keyframe(1, f"{9:064x}"),),
    )  # fmt: skip
    made = takes.Take(tmp_path, "6f0c0c5e-7a6c-4a56-9a5b-0c2f5c2f5c2f", manifest)
    made.save()
    return made


@pytest.mark.parametrize("python", ["this one", "/nowhere/python"])
def test_all_drawings_are_traced(addon: Addon, take: Any, monkeypatch: pytest.MonkeyPatch, python: str) -> None:
    tracing = addon("takes.tracing")
    if python == "this one":  # this process must not be needed
        monkeypatch.setattr(tracing, "shapes_of_drawing", lambda *_: pytest.fail("traced in a thread"))
    else:
        monkeypatch.setattr(tracing.sys, "executable", python)
    traced = tracing.Tracing(take, range(3))
    traced.start()
    shapes = traced.result()
    assert (traced.done, traced.total, traced.is_running) == (3, 3, False)
    assert {index: [round(one.area) for one in found] for index, (found,) in shapes.items()} == {
        index: [2400, (5 * index + 5) ** 2] for index in range(3)
    }
    assert [one.paint[:3] for one in shapes[0][0]] == [PAPER, RED]


def test_an_image_that_cannot_be_read_is_named(addon: Addon, take: Any) -> None:
    (take.fills / "0002.png").write_bytes(b"no image")
    traced = addon("takes.tracing").Tracing(take, range(3))
    traced.start()
    with pytest.raises(addon("shared.errors").ShotError, match=r"0002\.png is not a PNG image"):
        traced.result()


def test_stopping_ends_all_processes(addon: Addon, take: Any) -> None:
    traced = addon("takes.tracing").Tracing(take, [0, 1, 2] * 200)
    traced.start()
    traced.stop()
    traced.result()
    assert not traced.is_running
    assert all(process.poll() is not None for process in traced._processes)
