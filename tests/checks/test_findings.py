# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks find what is wrong with a take, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.checks.test_alignment import drawing, moved, painting

Import = Callable[[str], ModuleType]


@pytest.fixture
def take(addon: Import, tmp_path: Path) -> Callable[..., Any]:
    """Make a take of drawings, with the first one painted."""

    def make(drawings: list[np.ndarray], keyframe: np.ndarray) -> Any:
        module, messages = addon("takes.take"), addon("shared.manifest")
        for name in ("lineart", "keyframes"):
            (tmp_path / name).mkdir(parents=True)
        files = []
        for frame, picture in enumerate(drawings, start=1):
            files.append(tmp_path / "lineart" / f"{frame:04d}.png")
            Image.fromarray(picture).save(files[-1])
        painted = tmp_path / "keyframes" / "0001.png"
        Image.fromarray(keyframe).save(painted)
        addresses = [module.address_of_file(path) for path in files]
        manifest = messages.ShotManifest(
            name="Shapes", frame_start=1, fps=24.0, width=960, height=540, drawings=tuple(addresses),
            timing=tuple(range(len(addresses))), keyframes=(messages.Keyframe(1, module.address_of_file(painted)),),
        )  # fmt: skip
        return module.Take(tmp_path, str(uuid.uuid4()), manifest)

    return make


def _findings(addon: Import, take: Any) -> list[tuple[str, int, str]]:
    steps: Iterator[Any] = addon("checks.findings").inspect(take)
    return [(one.severity, one.frame, str(one.sentence)) for *_, found in steps for one in found]


def _walk(count: int) -> list[np.ndarray]:
    """A drawing that moves a little from frame to frame."""
    return [moved(drawing(), 1, -4 * step, 0) for step in range(count)]


def test_a_shot_in_order_has_no_findings(addon: Import, take: Callable[..., Any]) -> None:
    assert _findings(addon, take(_walk(4), painting(drawing()))) == []


def test_what_is_wrong_is_found_in_its_frame(addon: Import, take: Callable[..., Any], tmp_path: Path) -> None:
    drawings = _walk(6)
    drawings[1] = np.full_like(drawings[1], 255)
    drawings[1][0, 0] = 254  # another file than other white drawings
    drawings[2] = 255 - drawings[2]
    drawings[3] = drawings[3].copy()
    cv2.ellipse(drawings[3], (480, 270), (80, 80), 0, 2, 358, 0, 3)
    drawings[5] = np.full_like(drawings[5], 255)
    cv2.rectangle(drawings[5], (20, 440), (160, 520), 0, 3)
    found = _findings(addon, take(drawings, moved(painting(drawing()), 1, 40, 10)))
    assert [(severity, frame) for severity, frame, _ in found if "Open outlines" not in _] == [
        ("warning", 2),
        ("error", 3),
        ("warning", 6),
        ("warning", 1),
    ]
    words = [sentence for *_, sentence in found]
    for part in ("is white", "mostly black", "Probably a cut", "40 pixels horizontally and 10 vertically"):
        assert any(part in sentence for sentence in words), part
    assert ("note", 4) in [(severity, frame) for severity, frame, sentence in found if "Open outlines" in sentence]
    overlay = np.asarray(Image.open(tmp_path / "checks" / "0004.png"))
    assert overlay.shape == (540, 960, 4)
    y, x = np.nonzero(overlay[..., 3])
    assert np.hypot(x - 560, y - 270).min() < 20


@pytest.mark.parametrize(
    ("keyframe", "words"),
    [
        (np.full((540, 960, 3), 90, np.uint8), "has no colors"),
        (np.zeros((540, 960, 4), np.uint8), "completely transparent"),
        (painting(drawing(3)), "shows another drawing"),
    ],
)
def test_a_keyframe_that_cannot_serve_is_found(
    addon: Import,
    take: Callable[..., Any],
    keyframe: np.ndarray,
    words: str,
) -> None:
    (found,) = _findings(addon, take(_walk(1), keyframe))
    assert words in found[2]
