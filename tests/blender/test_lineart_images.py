# SPDX-License-Identifier: GPL-3.0-or-later
"""Image sequences as line art, in real Blender."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from .conftest import Scenario

FRAMES = range(8, 12)
SIZE = (20, 10)
PAPER, LINE, MIXED = 255, 128, 191
FAINT = 7
"""The row of a line that is half transparent."""


def drawing(frame: int, kind: type = np.uint8) -> np.ndarray:
    """A pale red line at the height that the frame's number says, and a fainter one, on transparent black: BGRA."""
    art = np.zeros((SIZE[1], SIZE[0], 4), kind)
    scale = np.iinfo(kind).max // 255
    art[frame - FRAMES[0]] = [LINE * scale, LINE * scale, 255 * scale, 255 * scale]
    art[FAINT] = [LINE * scale, LINE * scale, 255 * scale, 128 * scale]
    return art


def write_sequence(folder: Path, name: str, kind: type = np.uint8, channels: int = 4) -> str:
    """Write frames 8 to 11, and 100, whose name comes first in the alphabet; returns the folder's path."""
    folder.mkdir()
    for frame in (*FRAMES, 100):
        art = drawing(min(frame, FRAMES[-1]), kind)
        if channels < 4:
            scale = np.iinfo(kind).max // 255
            art[art[..., 3] == 0] = PAPER * scale
            art[FAINT, :, :3] = MIXED * scale
            art = art[..., :3] if channels == 3 else art[..., 1]
        cv2.imwrite(str(folder / name.format(frame)), art)
    return str(folder)


@pytest.mark.parametrize(
    ("name", "kind", "channels"),
    [
        ("shot 12 take_{}.png", np.uint8, 4),
        ("{:04d}.png", np.uint16, 4),
        ("gray{}.png", np.uint16, 1),
        ("{}.tif", np.uint8, 3),
        ("sc01_{:04}_lines_v2.png", np.uint8, 3),
        ("line.{}.webp", np.uint8, 4),
        ("{}.bmp", np.uint8, 3),
        ("{}.TGA", np.uint8, 3),
    ],
)
def test_a_file_s_number_is_its_frame_and_transparent_paper_is_white(
    scenario: Scenario, tmp_path: Path, name: str, kind: type, channels: int
) -> None:
    source = write_sequence(tmp_path / "source", name, kind, channels) if name[-3:] != "TGA" else ""
    if not source:  # Pillow's, as OpenCV writes none
        (tmp_path / "source").mkdir()
        for frame in FRAMES:
            art = cv2.cvtColor(drawing(frame), cv2.COLOR_BGRA2RGBA)
            Image.fromarray(art).save(tmp_path / "source" / name.format(frame))
        source = str(tmp_path / "source" / name.format(FRAMES[1]))
    assert scenario("lineart.images", str(tmp_path / "take"), source) == {source: ""}
    for frame in FRAMES:
        lossy = 12 if "webp" in name else 1
        (take,) = (tmp_path / "take").iterdir()
        art = np.asarray(Image.open(take / "lineart" / f"{frame:04d}.png").convert("RGB")).astype(int)
        assert art.shape == (SIZE[1], SIZE[0], 3)
        line = frame - FRAMES[0]
        assert abs(art[line] - LINE).max() <= lossy, "a pixel is as dark as its darkest channel"
        assert abs(art[FAINT] - MIXED).max() <= lossy
        assert abs(np.delete(art, [line, FAINT], axis=0) - PAPER).max() <= lossy


def test_linear_light_becomes_the_colors_that_were_picked(scenario: Scenario, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    for frame in FRAMES:
        light = np.ones((SIZE[1], SIZE[0], 3), np.float32)
        light[9] = [0, 0, 0.2140411]  # the light of a half red that was picked, as BGR
        cv2.imwrite(str(tmp_path / "source" / f"light_{frame:03d}.hdr"), light)
    source = str(tmp_path / "source" / "light_008.hdr")
    assert scenario("lineart.images", str(tmp_path / "take"), source, "keep") == {source: ""}
    art = np.asarray(Image.open(tmp_path / "take" / "light_008.hdr" / "lineart" / "0009.png").convert("RGB"))
    assert abs(art[9, 3].astype(int) - [128, 0, 0]).max() <= 1, "the format keeps 8 bits of a float"
    assert art[0, 3].tolist() == [255, 255, 255]


def test_a_sequence_that_cannot_be_used_gets_a_message_that_says_why(scenario: Scenario, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("gap", "sizes", "damaged", "several", "none", "empty file")}
    for folder in folders.values():
        write_sequence(folder, "{}.png")
    for frame in (9, 10):
        (folders["gap"] / f"{frame}.png").unlink()
    cv2.imwrite(str(folders["sizes"] / "10.png"), drawing(10)[:5])
    (folders["damaged"] / "9.png").write_bytes((folders["damaged"] / "9.png").read_bytes()[:40])
    (folders["empty file"] / "8.png").write_bytes(b"")
    cv2.imwrite(str(folders["several"] / "rough_8.png"), drawing(8))
    for path in folders["none"].iterdir():
        path.unlink()
    paths = [*map(str, folders.values()), str(tmp_path / "nowhere" / "1.png")]
    answer = scenario("lineart.images", str(tmp_path / "take"), *paths)
    said = {Path(path).name: text for path, text in answer.items()}
    assert "no image for frames 9..10: add them" in said["gap"]
    assert "10.png is 20×5 pixels, but the sequence began with 20×10" in said["sizes"]
    assert "9.png" in said["damaged"] and "export it again" in said["damaged"]
    assert "8.png" in said["empty file"] and "export it again" in said["empty file"]
    assert "several image sequences" in said["several"] and "rough_8.png" in said["several"]
    assert "neither an image with a number in its name" in said["none"]
    assert "choose another image sequence" in said["1.png"]
    assert [path for path in (tmp_path / "take").rglob("*") if path.is_file()] == []
