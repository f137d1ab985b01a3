# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing is read as ink on paper: on paper of any color and light, with lines of any color and alpha."""

import cv2
import numpy as np
import pytest

from server.coloring.line_art.compositing import lay_lines, lift_lines, lines_alone
from server.coloring.line_art.drawing import Drawing, LineFault, line_fault, read_drawing
from server.coloring.line_art.regions import find_regions

from ..drawings import paper, scene

LINE_ART = scene(70)[0]
COVERED = (255 - LINE_ART[..., None]) / 255
BLACK, RED, BROWN, PENCIL = (0, 0, 0), (220, 40, 40), (120, 70, 40), (128, 128, 128)
FILL = (60, 120, 210)


def drawn(ink: tuple[int, int, int], sheet: np.ndarray | tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """The scene in ink on a sheet, RGBA uint8 [H, W, 4]."""
    return opaque(np.asarray(sheet) * (1 - COVERED) + np.array(ink) * COVERED)


def opaque(color: np.ndarray) -> np.ndarray:
    color = np.round(color).clip(0, 255).astype(np.uint8)
    return np.dstack([color, np.full(LINE_ART.shape, 255, np.uint8)])


def on_nothing(ink: tuple[int, int, int], alpha: float = 1) -> np.ndarray:
    color = np.broadcast_to(np.array(ink, np.uint8), (*LINE_ART.shape, 3))
    return np.dstack([color, np.round(255 * alpha * COVERED).astype(np.uint8)])


def laid(drawing: Drawing) -> np.ndarray:
    return lay_lines(np.full((*LINE_ART.shape, 3), FILL, np.uint8), drawing.ink).astype(int)


def light(rows: int, columns: int) -> np.ndarray:
    """Light that falls off to the corners, to seven tenths."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    return (1 - 0.15 * (x**2 + y**2))[..., None]


def grain(deviation: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, deviation, (*LINE_ART.shape, 1))


@pytest.mark.parametrize("pixels", [drawn(BLACK), on_nothing(BLACK)], ids=["paper", "nothing"])
def test_black_lines_on_white_or_on_nothing_stay_exactly_as_they_are(pixels):
    drawing = read_drawing(pixels)
    assert (drawing.line_art == LINE_ART).all() and drawing.ink is drawing.line_art


def test_white_paper_stays_white_beside_large_black_areas():
    sheet = LINE_ART.copy()
    sheet[:, 150:] = 0
    sheet[60:120, 180:260] = 255
    drawing = read_drawing(opaque(np.dstack([sheet] * 3)))
    assert (drawing.line_art == sheet).all()
    assert (read_drawing(opaque(np.dstack([sheet] * 3) * 0.8)).line_art >= sheet.astype(int) - 1).all()
    assert (read_drawing(opaque(np.dstack([sheet] * 3) * 0.8)).line_art[:, 160:170] == 0).all()


@pytest.mark.parametrize("gray", [250, 247, 224, 210, 200, 180, 140, 110])
def test_gray_paper_is_divided_out(gray):
    drawing = read_drawing(drawn(BLACK, (gray, gray, gray)))
    assert np.abs(drawing.line_art.astype(int) - LINE_ART).max() <= 1


@pytest.mark.parametrize(
    "sheet",
    [
        np.broadcast_to((250, 240, 205), (*LINE_ART.shape, 3)) + grain(2),
        np.broadcast_to((180, 140, 100), (*LINE_ART.shape, 3)),
        235 * light(*LINE_ART.shape) * np.ones(3) + grain(3),
        np.linspace(120, 240, LINE_ART.shape[1])[None, :, None] * np.ones(3) + grain(2),
    ],
    ids=["yellowed", "kraft", "corners in the shade", "lit from one side"],
)
def test_paper_may_be_colored_unevenly_lit_and_grainy(sheet):
    drawing = read_drawing(drawn(BLACK, sheet))
    assert drawing.line_art[LINE_ART == 255].min() >= 240
    assert (drawing.line_art[LINE_ART == 255] == 255).mean() > 0.98
    assert drawing.line_art[LINE_ART == 0].max() <= 40
    assert find_regions(drawing.line_art).count == find_regions(LINE_ART).count == 3
    assert np.abs(laid(drawing)[LINE_ART == 255] - FILL).mean() < 0.5


def test_lines_stay_in_the_light_of_a_compressed_photo():
    photo = 235 * light(*LINE_ART.shape) * (1, 0.97, 0.9) + grain(6)
    pixels = drawn((50, 50, 55), photo)
    packed = cv2.imencode(".jpg", pixels[..., :3], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    drawing = read_drawing(opaque(cv2.imdecode(packed, cv2.IMREAD_COLOR)))
    away = cv2.erode(LINE_ART, np.ones((7, 7))) == 255
    assert drawing.line_art[away].min() >= 200
    assert drawing.line_art[LINE_ART == 0].max() <= 120


@pytest.mark.parametrize("ink", [RED, BROWN, (60, 100, 220), (170, 200, 255), (255, 240, 120), PENCIL, (210, 210, 210)])
@pytest.mark.parametrize("draw", [drawn, on_nothing])
def test_lines_keep_their_own_color(draw, ink):
    drawing = read_drawing(draw(ink))
    assert np.abs(drawing.line_art.astype(int) - LINE_ART).max() <= 4
    result = laid(drawing)
    assert np.abs(result[LINE_ART == 0] - ink).max() <= 1
    assert (result[LINE_ART == 255] == FILL).all()
    mixed = np.array(FILL) * (1 - COVERED) + np.array(ink) * COVERED
    assert np.abs(result - mixed).max() <= 4
    on_white = lay_lines(np.full((*LINE_ART.shape, 3), 255, np.uint8), drawing.ink).astype(int)
    assert np.abs(on_white - drawn(ink)[..., :3]).max() <= 2  # untouched


def test_black_and_colored_lines_of_one_drawing_are_told_apart():
    pixels = drawn(BLACK)
    cv2.line(pixels, (70, 30), (70, 90), (*RED, 255), 2, cv2.LINE_AA)
    drawing = read_drawing(pixels)
    result = laid(drawing)
    assert np.abs(result[60, 70] - RED).max() <= 1
    assert (result[LINE_ART == 0] <= 60).all() and (result[LINE_ART == 0] == 0).mean() > 0.95
    assert drawing.line_art[60, 70] == 0 and find_regions(drawing.line_art).count == 4  # it parts a ball


def test_lines_keep_their_alpha():
    drawing = read_drawing(on_nothing(RED, 0.6))
    assert drawing.line_art[LINE_ART == 0].max() == 0  # a line for the coloring, however much it shows
    wanted = 0.4 * np.array(FILL) + 0.6 * np.array(RED)
    assert np.abs(laid(drawing)[LINE_ART == 0] - wanted).max() <= 2


def test_colored_lines_that_are_compressed_leave_no_specks():
    packed = cv2.imencode(".jpg", drawn(RED)[..., 2::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    drawing = read_drawing(opaque(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]))
    away = cv2.erode(LINE_ART, np.ones((5, 5))) == 255
    assert drawing.line_art[away].min() >= 200


@pytest.mark.parametrize("gray", [210, 227, 238])
def test_faint_pencil_is_a_line_like_any_other(gray):
    drawing = read_drawing(drawn((gray, gray, gray)))
    assert drawing.line_art[LINE_ART == 0].max() == 0
    assert line_fault(drawing.line_art) is None


def test_white_strokes_on_nothing_are_lines_and_white_areas_there_are_paper():
    drawing = read_drawing(on_nothing((255, 255, 255)))
    assert np.abs(drawing.line_art.astype(int) - LINE_ART).max() <= 1 and line_fault(drawing.line_art) is None
    assert (laid(drawing)[LINE_ART == 0] == 255).all() and (laid(drawing)[LINE_ART == 255] == FILL).all()
    masked = on_nothing(BLACK)
    inside = (find_regions(LINE_ART).labels == find_regions(LINE_ART).labels[60, 70]) & (masked[..., 3] < 255)
    masked[inside] = opaque(np.dstack([LINE_ART] * 3))[inside]
    assert (read_drawing(masked).line_art == LINE_ART).all()


@pytest.mark.parametrize(
    "pixels",
    [
        opaque(np.full((*LINE_ART.shape, 3), 255.0)),
        opaque(np.full((*LINE_ART.shape, 3), 235) + grain(6)),
        opaque(np.full((*LINE_ART.shape, 3), 200) * light(*LINE_ART.shape)),
        np.zeros((*LINE_ART.shape, 4), np.uint8),
    ],
    ids=["white", "grainy", "uneven", "nothing"],
)
def test_blank_paper_has_no_lines(pixels):
    assert line_fault(read_drawing(pixels).line_art) is LineFault.BLANK


@pytest.mark.parametrize("ground", [(0, 0, 0), (30, 50, 90), (120, 120, 120)])
def test_light_lines_on_a_dark_ground_are_told(ground):
    assert line_fault(read_drawing(drawn((255, 255, 255), ground)).line_art) is LineFault.LIGHT_ON_DARK


def test_a_night_scene_is_not_taken_for_light_lines():
    night = np.zeros_like(LINE_ART)
    cv2.circle(night, (100, 90), 20, 255, -1)
    assert line_fault(read_drawing(opaque(np.dstack([night] * 3))).line_art) is None


@pytest.mark.parametrize("shape", [(1, 1_000_000), (1_000_000, 1), (2, 300_000)])
def test_a_sheet_of_any_shape_is_read(shape):
    sheet = np.full((*shape, 4), 240, np.uint8)
    sheet[..., 3] = 255
    sheet[shape[0] // 2, shape[1] // 2 : shape[1] // 2 + 9, :3] = 0
    assert read_drawing(sheet).line_art.shape == shape
    line_fault(read_drawing(sheet).line_art)


def test_a_sheet_of_a_few_pixels_is_read():
    assert line_fault(read_drawing(np.full((1, 1, 4), 90, np.uint8)).line_art) is not None
    assert read_drawing(np.full((2, 90, 4), 255, np.uint8)).line_art.shape == (2, 90)
    assert line_fault(paper()) is LineFault.BLANK


def test_colored_lines_are_lifted_and_laid_again():
    drawing = read_drawing(drawn(RED))
    frame = lay_lines(scene(70)[1], drawing.ink)
    fills = lift_lines(frame, drawing.line_art, drawing.ink)
    off = np.abs(lay_lines(fills, drawing.ink).astype(int) - frame).max(axis=2)
    assert off[drawing.ink[..., 3] <= 223].max() <= 1


def test_colored_lines_over_nothing_keep_color_and_alpha():
    drawing = read_drawing(drawn(RED))
    result = lay_lines(np.zeros((*LINE_ART.shape, 4), np.uint8), drawing.ink)
    assert (result == lines_alone(drawing.ink)).all()
    assert (result[LINE_ART == 0] == (*RED, 255)).all()
