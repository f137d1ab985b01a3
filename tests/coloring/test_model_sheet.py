# SPDX-License-Identifier: GPL-3.0-or-later
"""Model sheets show the colors of figures that no keyframe shows."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from server.coloring.folder import read_folder
from server.coloring.keyframes import Keyframes
from server.coloring.line_art.model_sheet import EmptySheet, read_sheet
from server.coloring.matching import Matching
from server.coloring.numbered_files import FolderError
from server.coloring.propagation import Propagator
from server.coloring.shot import Shot
from server.images.codec import encode_png
from server.presets.preset import WEIGHTS

from .drawings import GREEN, RED, SKY, scene

STAR = np.array(
    [[0, -50], [12, -16], [48, -16], [19, 6], [30, 40], [0, 19], [-30, 40], [-19, 6], [-48, -16], [-12, -16]]
)


def star(drawing: np.ndarray, painting: np.ndarray, center: tuple[int, int], size: float) -> None:
    """Draw a green star over line art uint8 [H, W] and a painting uint8 [H, W, 3]."""
    points = np.round(STAR * size + center).astype(np.int32)[None]
    cv2.fillPoly(drawing, points, 255)
    cv2.fillPoly(painting, points, GREEN)
    cv2.polylines(drawing, points, True, 0, 3, cv2.LINE_AA)
    cv2.polylines(painting, points, True, (0, 0, 0), 3, cv2.LINE_AA)


def sheet(ground: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """A large star on a sheet of another shape than the shot's, straight RGBA uint8 [H, W, 4]."""
    painting = np.full((300, 260, 3), ground, np.uint8)
    star(np.full((300, 260), 255, np.uint8), painting, (130, 160), 2.0)
    return np.dstack([painting, np.full((300, 260), 255, np.uint8)])


@pytest.fixture(scope="module")
def matching() -> Matching:
    return Matching.load(WEIGHTS, torch.device("cpu"))


def test_a_figure_that_only_a_sheet_shows_gets_its_colors(matching: Matching) -> None:
    first, painted = scene(-60)  # the blue ball alone
    second, truth = scene(-60)
    star(second, truth, (80, 80), 0.9)
    drawings = [first, second]
    keyframe = np.dstack([painted, np.full(painted.shape[:2], 255, np.uint8)])
    inside = (truth == GREEN).all(axis=-1)

    def greens(shot: Shot) -> float:
        keyframes = Keyframes(shot, drawings.__getitem__)
        propagator = Propagator(
            matching, drawings.__getitem__, keyframes.meetings, keyframes.gradients, keyframes.sheets
        )
        (propagated,) = propagator.propagate([1], {0: keyframes.labels(0)})
        elected = propagated.elect(second, keyframes.labels(0), keyframes.meetings)
        colors = keyframes.palette.colors[elected][..., :3]
        assert (colors == SKY).all(axis=-1)[5:15].all(), "the sheet's ground has no color"
        return float((np.abs(colors.astype(int) - GREEN).max(axis=-1) <= 3)[inside].mean())

    assert greens(Shot(drawings, {0: keyframe})) == 0
    assert greens(Shot(drawings, {0: keyframe}, sheets=[read_sheet(sheet())])) > 0.95


@pytest.mark.parametrize("ground", [(255, 255, 255), (120, 120, 130), None])
def test_the_ground_of_a_sheet_is_no_color_of_the_palette(ground: tuple[int, int, int] | None) -> None:
    pixels = sheet(ground or (255, 0, 255))
    if ground is None:
        pixels[(pixels[..., :3] == (255, 0, 255)).all(axis=-1)] = 0
    read = read_sheet(pixels)
    drawing, painting = scene()
    keyframe = np.dstack([painting, np.full(painting.shape[:2], 255, np.uint8)])
    alone = Keyframes(Shot([drawing], {0: keyframe}), [drawing].__getitem__).palette.colors[:, :3].tolist()
    keyframes = Keyframes(Shot([drawing], {0: keyframe}, sheets=[read]), [drawing].__getitem__)
    new = [color for color in keyframes.palette.colors[:, :3].tolist() if color not in alone]
    assert len(new) == 1 and np.abs(np.array(new[0]) - GREEN).max() <= 3
    ((_, entries),) = keyframes.sheets
    assert entries.shape == read.shown.shape < sheet().shape[:2], "what is not painted around it is cut off"
    assert (read.line_art < 128).any() and (read.line_art == 255).mean() > 0.7


def test_a_large_sheet_is_reduced_and_an_empty_one_refused() -> None:
    large = cv2.resize(sheet(), None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST)
    assert read_sheet(large).shown.size <= 1280 * 720
    for empty in (np.full((40, 60, 4), 255, np.uint8), np.zeros((40, 60, 4), np.uint8)):
        with pytest.raises(EmptySheet, match="empty"):
            read_sheet(empty)


def test_a_folder_takes_sheets_of_any_size(tmp_path: Path) -> None:
    art = tmp_path / "art"
    art.mkdir()
    for number, x in ((1, 50), (2, 70)):
        (art / f"{number}.png").write_bytes(encode_png(scene(x)[0]))
    painted, model, empty = (tmp_path / name for name in ("painted.png", "model.png", "empty.png"))
    painted.write_bytes(encode_png(scene(50)[1]))
    model.write_bytes(encode_png(sheet()))
    empty.write_bytes(encode_png(np.full((8, 8, 3), RED, np.uint8)))
    source = read_folder(art, [f"{painted}@1"], sheets=[model])
    assert len(source.shot.sheets) == 1 and model in source.paintings
    for sheets, words in (
        ([empty], "empty.png: The model sheet is empty"),
        ([tmp_path / "none.png"], "none.png is not there"),
        ([model] * 5, "4 model sheets at most, not 5"),
    ):
        with pytest.raises(FolderError, match=words):
            read_folder(art, [f"{painted}@1"], sheets=sheets)
