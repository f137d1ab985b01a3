# SPDX-License-Identifier: GPL-3.0-or-later
"""A region of a take gets another color, here or from here on, and the take that it was found in is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.digests import address_of

from .balls import BLUE, GREEN, RED, SKY, drawing

Addon = Callable[[str], ModuleType]


def colors(folder: Path, layer: str, frame: int) -> set[tuple[int, ...]]:
    picture = np.asarray(Image.open(folder / layer / f"{frame:04d}.png").convert("RGB"))
    return {tuple(color) for color in np.unique(picture.reshape(-1, 3), axis=0).tolist()}


def at(folder: Path, layer: str, frame: int, x: int, y: int = 45) -> tuple[int, ...]:
    picture = Image.open(folder / layer / f"{frame:04d}.png").convert("RGB")
    return picture.getpixel((x, y))  # type: ignore[return-value]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_drawing_gets_the_color_with_its_held_frames_and_becomes_a_keyframe(addon: Addon, take: Any) -> None:
    before = contents(take.folder)
    new = addon("takes.repaint").repaint(take, 2, (40, 45), GREEN, False, take.folder.parent / "new", 2)
    assert contents(take.folder) == before
    for frame in (1, 2):
        assert at(new.folder, "fills", frame, 40) == at(new.folder, "colored", frame, 40) == GREEN
        assert at(new.folder, "fills", frame, 95) == RED, "the ball that touches it stays"
        assert at(new.folder, "colored", frame, 21) == (0, 0, 0), "lines stay"
    for frame in (3, 4, 5):
        assert colors(new.folder, "fills", frame) == {SKY, RED}
    assert [one.frame for one in new.manifest.keyframes] == [4, 2]
    assert new.manifest.keyframes[1].correction == 1 and new.manifest.parent == take.job
    for one in new.manifest.keyframes:
        assert one.blob == address_of(new.blobs()[one.blob].read_bytes())
    assert at(new.folder, "keyframes", 2, 40) == GREEN
    assert addon("takes.take").Take.load(new.folder).note == new.note
    assert not list(take.folder.parent.glob(".*")), "nothing is left over"


def test_later_drawings_follow_and_so_do_their_keyframes(addon: Addon, take: Any) -> None:
    new = addon("takes.repaint").repaint(take, 1, (40, 45), GREEN, True, take.folder.parent / "new", 2)
    for frame, x in ((1, 40), (2, 40), (3, 46), (5, 58)):
        assert at(new.folder, "fills", frame, x) == GREEN, frame
        assert at(new.folder, "fills", frame, x + 55) == RED, frame
    assert colors(new.folder, "fills", 4) == {SKY, RED}, "the ball is hidden there"
    new = addon("takes.repaint").repaint(take, 1, (95, 45), BLUE, True, take.folder.parent / "other", 3)
    assert at(new.folder, "fills", 4, 107) == at(new.folder, "keyframes", 4, 107) == BLUE
    assert "in 4 drawings" in new.note


def test_the_color_reaches_under_the_lines_of_its_region_only(addon: Addon) -> None:
    fills, lines = drawing(0)
    region = addon("contours.regions").region_at(fills, lines, 40, 45)
    red = (fills == RED).all(axis=2)
    left = np.zeros_like(red)
    left[:, :70] = True
    assert region.mask[red & left & (lines < 224)].mean() > 0.9
    assert not region.mask[~red].any() and not region.mask[:, 76:].any()
    on_line = addon("contours.regions").region_at(fills, lines, 22, 45)
    assert lines[45, 22] == 0 and np.array_equal(on_line.mask, region.mask)
    assert addon("contours.regions").region_at(fills, np.zeros_like(lines), 45, 21) is None


@pytest.mark.parametrize(
    ("place", "color", "words"), [((40, 45), RED, "has this color already"), ((5, 5), SKY, "has this color already")]
)
def test_what_changes_nothing_is_said_and_makes_no_take(
    addon: Addon, take: Any, place: tuple[int, int], color: tuple[int, int, int], words: str
) -> None:
    with pytest.raises(addon("shared.errors").ShotError, match=words):
        addon("takes.repaint").repaint(take, 1, place, color, True, take.folder.parent / "new", 2)
    (take.fills / "0003.png").unlink()
    with pytest.raises(addon("shared.errors").ShotError, match="has no fills here"):
        addon("takes.repaint").repaint(take, 1, (40, 45), GREEN, True, take.folder.parent / "new", 2)
    assert not (take.folder.parent / "new").exists()
