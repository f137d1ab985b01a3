# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG files are read and written as Pillow does."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from blender_addon.compositing import line_art_of
from blender_addon.png import SIGNATURE, chunk
from server.images.codec import encode_png, read_painted

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@pytest.fixture(scope="session")
def png_pixels(addon: Callable[[str], ModuleType]) -> ModuleType:
    """The module under test."""
    return addon("png_pixels")


def filtered(pixels: np.ndarray, kinds: list[int]) -> bytes:
    """A PNG whose row y has the filter kinds[y], computed a byte at a time as the specification says."""
    height, width, channels = pixels.shape
    lines = []
    for y in range(height):
        line = bytearray([kinds[y]])
        for x in range(width * channels):
            here = pixels.reshape(height, -1)
            left = int(here[y, x - channels]) if x >= channels else 0
            above = int(here[y - 1, x]) if y else 0
            corner = int(here[y - 1, x - channels]) if y and x >= channels else 0
            estimate = left + above - corner
            nearest = min((left, above, corner), key=lambda value: abs(estimate - value))
            guess = (0, left, above, (left + above) // 2, nearest)[kinds[y]]
            line.append((int(here[y, x]) - guess) % 256)
        lines.append(bytes(line))
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), SHAPES, st.sampled_from([1, 3, 4]))
def test_every_filter_is_undone(
    png_pixels: ModuleType, tmp_path: Path, data: st.DataObject, shape: tuple[int, int], channels: int
) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    pixels = np.random.default_rng(seed).integers(0, 256, (*shape, channels), dtype=np.uint8)
    kinds = data.draw(st.lists(st.integers(0, 4), min_size=shape[0], max_size=shape[0]))
    content = filtered(pixels, kinds)
    assert (np.asarray(Image.open(io.BytesIO(content))).reshape(pixels.shape) == pixels).all(), "the test is wrong"
    (tmp_path / "image.png").write_bytes(content)
    assert (png_pixels.read_png(tmp_path / "image.png").reshape(pixels.shape) == pixels).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SHAPES, st.sampled_from([(), (3,), (4,)]), st.integers(0, 2**32 - 1))
def test_what_is_written_is_read_by_others(
    png_pixels: ModuleType, tmp_path: Path, shape: tuple[int, int], channels: tuple[int, ...], seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, shape + channels, dtype=np.uint8)
    png_pixels.write_png(tmp_path / "image.png", pixels)
    assert (np.asarray(Image.open(tmp_path / "image.png")) == pixels).all()
    assert (png_pixels.read_png(tmp_path / "image.png") == pixels).all()
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]


def test_the_servers_frames_and_palettes_are_read(png_pixels: ModuleType, tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(60), np.arange(90))[..., None] * (1, 2, 3)
    frame = (smooth + np.random.default_rng(1).integers(0, 3, smooth.shape)).astype(np.uint8)
    (tmp_path / "frame.png").write_bytes(encode_png(frame))
    assert (png_pixels.read_png(tmp_path / "frame.png") == frame).all()
    few = Image.fromarray(frame).quantize(200)
    few.save(tmp_path / "palette.png")
    assert (png_pixels.read_png(tmp_path / "palette.png") == np.asarray(few.convert("RGB"))).all()
    gray = Image.fromarray(np.dstack([frame[..., 0], frame[..., 1]]), "LA")
    gray.save(tmp_path / "gray.png")
    assert (png_pixels.read_png(tmp_path / "gray.png") == np.asarray(gray.convert("RGBA"))).all()


def test_line_art_is_seen_as_the_server_sees_it(png_pixels: ModuleType, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    for channels in (3, 4):
        pixels = random.integers(0, 256, (20, 30, channels), dtype=np.uint8)
        png_pixels.write_png(tmp_path / "line.png", pixels)
        ours = line_art_of(png_pixels.read_png(tmp_path / "line.png")).astype(int)
        assert np.abs(ours - read_painted(tmp_path / "line.png").min(axis=2)).max() <= 1


@pytest.mark.parametrize(
    ("mode", "options", "words"),
    [("I;16", {}, "16 bits"), ("1", {}, "1 bits"), ("RGB", {"cut": True}, "cannot be read")],
)
def test_what_cannot_be_read_is_named(
    png_pixels: ModuleType, tmp_path: Path, mode: str, options: dict[str, bool], words: str
) -> None:
    path = tmp_path / "image.png"
    Image.new(mode, (20, 20)).save(path)
    if options.get("cut"):
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(png_pixels.ShotError, match=words) as caught:
        png_pixels.read_png(path)
    assert "image.png" in str(caught.value)
    path.write_text("no image", encoding="utf-8")
    with pytest.raises(png_pixels.ShotError, match="is not a PNG image"):
        png_pixels.read_png(path)
