# SPDX-License-Identifier: GPL-3.0-or-later
"""Color-trace lines part regions, and are not seen in the frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from server.coloring.cli import colorize
from server.coloring.colorizer import Colorizer
from server.coloring.folder import read_folder
from server.coloring.line_art.drawing import read_drawing
from server.coloring.line_art.traces import fill_darker, find_traces
from server.images.codec import encode_png
from shared.protocol import ProtocolError
from shared.traces import TraceFill, require_traces

BALL, SHADOW, SKY, TRACE = (220, 90, 60), (140, 45, 30), (210, 180, 120), (255, 0, 0)
SMOOTH = 4


def shaded_ball(x: int, line: tuple[int, int, int] = (0, 0, 0)) -> tuple[np.ndarray, np.ndarray]:
    """A ball at x, whose shadow begins at a red trace line: RGB uint8 [120, 200, 3], anti-aliased; and its painting,
    with all lines."""
    shape = (120 * SMOOTH, 200 * SMOOTH)
    center, shade, radius = (x * SMOOTH, 60 * SMOOTH), ((x - 20) * SMOOTH, 45 * SMOOTH), 42 * SMOOTH
    ball, lit, edge = (np.zeros(shape, np.uint8) for _ in range(3))
    cv2.circle(ball, center, radius, 1, -1)
    cv2.circle(lit, shade, radius, 1, -1)
    cv2.circle(edge, shade, radius, 1, 3 * SMOOTH)
    drawing = np.full((*shape, 3), 255, np.uint8)
    painting = np.full((*shape, 3), SKY, np.uint8)
    painting[ball > 0] = SHADOW
    painting[(ball & lit) > 0] = BALL
    for picture in (drawing, painting):
        picture[(edge & ball) > 0] = TRACE
        cv2.circle(picture, center, radius, line, 3 * SMOOTH)
    size = shape[1] // SMOOTH, shape[0] // SMOOTH
    return (
        cv2.resize(drawing, size, interpolation=cv2.INTER_AREA),
        cv2.resize(painting, size, interpolation=cv2.INTER_AREA),
    )


def opaque(picture: np.ndarray) -> np.ndarray:
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


@pytest.mark.parametrize("line", [(0, 0, 0), (96, 96, 96), (120, 70, 40), (30, 40, 130)])
def test_trace_lines_are_told_from_lines_of_other_colors(line: tuple[int, int, int]) -> None:
    drawing, _ = shaded_ball(80, line)
    found = find_traces(255 - drawing, ["#ff0000"])
    reds = (drawing == TRACE).all(axis=2)
    lines = (drawing == line).all(axis=2)
    assert reds.sum() > 100 and lines.sum() > 300
    assert found[reds].all() and not found[lines].any()
    fringe = (np.abs(drawing[..., :1].astype(int) - 255) <= 2).all(axis=2) & (drawing[..., 1] < 255)
    assert found[fringe].mean() > 0.98, "the edge of a trace line is part of it"


@pytest.mark.parametrize("color", ["#ff0000", "#00ff00", "#0000ff", "#00ffff", "#ff00ff", "#ffff00"])
def test_no_color_of_trace_lines_is_mistaken_for_another(color: str) -> None:
    colors = ["#ff0000", "#00ff00", "#0000ff", "#00ffff", "#ff00ff", "#ffff00"]
    drawing = np.full((40, 60, 3), 255, np.uint8)
    for row, other in enumerate(colors):
        drawing[6 * row + 2 : 6 * row + 4] = tuple(bytes.fromhex(other[1:]))
    found = find_traces(255 - drawing, [color])
    rows = [6 * colors.index(color) + 2, 6 * colors.index(color) + 3]
    assert np.flatnonzero(found.all(axis=1)).tolist() == rows and found.sum() == 2 * 60


def test_trace_lines_are_in_the_line_art_and_not_in_the_ink() -> None:
    drawing, _ = shaded_ball(80)
    plain, traced = read_drawing(opaque(drawing)), read_drawing(opaque(drawing), ["#ff0000"])
    assert np.array_equal(plain.line_art, traced.line_art)
    reds = (drawing == TRACE).all(axis=2)
    assert (plain.ink[reds, 3] > 200).all() and not traced.ink[reds, 3].any()
    black = (drawing == 0).all(axis=2)
    assert np.array_equal(plain.ink[black], traced.ink[black])
    gray = read_drawing(opaque(np.repeat(plain.line_art[..., None], 3, axis=2)), ["#ff0000"])
    assert gray.ink is gray.line_art


@pytest.mark.parametrize("fill", ["sides", "darker"])
def test_a_shadow_follows_its_trace_line_which_is_not_seen(tmp_path: Path, fill: TraceFill) -> None:
    art, frames = tmp_path / "art", tmp_path / "frames"
    art.mkdir()
    drawn = {number: shaded_ball(70 + 6 * number) for number in range(1, 5)}
    for number, (drawing, _) in drawn.items():
        (art / f"{number}.png").write_bytes(encode_png(drawing))
    painted = tmp_path / "painted.png"
    painted.write_bytes(encode_png(drawn[2][1]))
    source = read_folder(art, [f"{painted}@2"], quality="preview", traces=["#ff0000"], trace_fill=fill)
    colorize(source, Colorizer.from_preset("tiny").open(source.shot), frames, Console(quiet=True))
    for number, (drawing, truth) in drawn.items():
        frame = cv2.imread(str(frames / f"{number}.png"))[..., ::-1]
        assert not (frame[..., 0].astype(int) - frame[..., 1] > 200).any(), "no red is left"
        inside = ((truth == BALL) | (truth == SHADOW)).all(axis=2)
        assert (frame == truth)[inside].mean() > 0.995, number
        reds = (drawing == TRACE).all(axis=2)
        dark = (np.abs(frame[reds].astype(int) - SHADOW).max(axis=1) <= 2).mean()
        assert dark > 0.95 if fill == "darker" else 0.3 < dark < 0.7


def test_a_translucent_color_is_kept_beside_a_trace_line() -> None:
    color = np.zeros((9, 20, 4), np.uint8)
    color[:, :10], color[:, 10:] = (200, 200, 200, 128), (20, 30, 40, 255)
    line_art = np.full((9, 20), 255, np.uint8)
    line_art[:, 8:12] = 0
    ink = np.zeros((9, 20, 4), np.uint8)
    filled = fill_darker(color, line_art, ink)
    assert (filled[:, 8:] == (20, 30, 40, 255)).all() and (filled[:, :8] == (200, 200, 200, 128)).all()
    assert np.array_equal(fill_darker(color, line_art, line_art), color), "black ink has no trace lines"


@pytest.mark.parametrize(
    ("colors", "words"),
    [
        (("#808080",), "strong color, such as #ff0000, not '#808080'"),
        (("red",), "#rrggbb"),
        (("#ff0000",) * 9, "8 colors at most, not 9"),
    ],
)
def test_colors_that_trace_lines_cannot_have_are_refused(colors: tuple[str, ...], words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        require_traces(colors)
