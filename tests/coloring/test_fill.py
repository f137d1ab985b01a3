# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished frames: one palette color per region, no bleeding over lines, and unchanged line art on top."""

import cv2
import numpy as np
import pytest

from server.coloring.code_colors import cast_votes, code_colors, decode_distances
from server.coloring.fill import ModelFill, flats, painted, shaded, soft_colors
from server.coloring.line_art.compositing import (
    NEARLY_BLACK,
    fill_under_lines,
    lay_lines,
    lift_lines,
    lines_alone,
    over,
)
from server.coloring.palette import Palette, extract_palette, recolor

from .drawings import BLUE, RED, SKY, scene, with_alpha

MODEL_SIZE = (48, 32)  # a seventh of the drawing's


def model_scores(drawing: np.ndarray, palette: Palette, noise: float, size: tuple[int, int] = MODEL_SIZE) -> np.ndarray:
    """Scores like those of four runs of a model that blurs and makes mistakes, for the keyframe itself."""
    rng = np.random.default_rng(0)
    total = np.zeros((size[1], size[0], len(palette.colors)), np.float32)
    for _ in range(4):
        codes = code_colors(len(palette.colors), rng)
        image = recolor(palette.labels[0], codes) * (drawing[..., None] / 255)
        small = cv2.resize(cv2.GaussianBlur(image, (0, 0), 4), size, interpolation=cv2.INTER_AREA) / 255
        total += decode_distances(small + rng.normal(0, noise, small.shape), codes)
    return total


@pytest.mark.parametrize("gap", [0, 4])
@pytest.mark.parametrize("noise", [0, 0.25])
def test_flats_give_each_region_its_own_color_at_full_size(gap, noise):
    drawing, painting = scene(gap=gap)
    palette = extract_palette([painting], [drawing])
    votes = cast_votes(model_scores(drawing, palette, noise))
    result = lay_lines(palette.colors[flats(drawing, votes, np.ones((3, 3), bool))], drawing)
    assert result.shape == painting.shape and result.dtype == np.uint8
    assert tuple(result[60, 60]) == RED and tuple(result[110, 200]) == BLUE and tuple(result[10, 10]) == SKY
    assert (np.abs(result.astype(int) - painting).max(-1) > 40).mean() < 0.004  # single pixels where a gap was


def test_a_pixel_mixed_of_two_colors_does_not_elect_a_third():
    drawing = np.full((40, 40), 255, np.uint8)
    codes = np.array([(255, 0, 0), (0, 0, 255), (128, 0, 128)], np.uint8)
    image = np.zeros((20, 20, 3), np.float32)
    image[:, :11], image[:, 11:] = (1, 0, 0), (0, 0, 1)
    votes = cast_votes(decode_distances(image, codes))
    assert not (flats(drawing, votes, np.ones((3, 3), bool)) == 2).any()


def test_a_palette_of_one_color_needs_no_votes():
    drawing, _ = scene()
    assert (flats(drawing, cast_votes(np.zeros((8, 8, 1), np.float32)), np.ones((1, 1), bool)) == 0).all()


def test_painted_colors_do_not_bleed_over_the_lines():
    drawing, painting = scene()
    fills = fill_under_lines(drawing, painting)
    small = cv2.resize(cv2.GaussianBlur(fills, (0, 0), 4), MODEL_SIZE, interpolation=cv2.INTER_AREA)
    result = lay_lines(painted(drawing, small), drawing).astype(int)
    free = cv2.erode(drawing, np.ones((3, 3), np.uint8)) == 255
    wrong = (np.abs(result - painting).max(-1) > 12)[free].mean()
    assert wrong < 0.001
    naive = cv2.resize(small, drawing.shape[::-1], interpolation=cv2.INTER_CUBIC).astype(int)
    assert (np.abs(naive - painting).max(-1) > 12)[free].mean() > 20 * wrong


def test_painted_keeps_gradients():
    drawing, _ = scene()
    ramp = np.tile(np.linspace(40, 220, 320), (180, 1))
    picture = np.stack([ramp, ramp * 0.5, 255 - ramp], 2).round().astype(np.uint8)
    small = cv2.resize(picture, MODEL_SIZE, interpolation=cv2.INTER_AREA)
    error = np.abs(painted(drawing, small).astype(int) - picture).max(-1)
    assert np.mean(error[drawing == 255]) < 4


def test_shaded_keeps_gradients_within_each_entry():
    drawing, painting = scene(gap=14)
    fills = fill_under_lines(scene()[0], painting)
    entries = (fills[:, :, None] == [SKY, RED, BLUE]).all(axis=-1).argmax(axis=-1).astype(np.uint8)
    light = np.linspace(0.5, 1.0, 320)[None, :, None]
    small = cv2.resize((fills * light).astype(np.float32), (80, 45), interpolation=cv2.INTER_NEAREST_EXACT)
    error = np.abs(shaded(drawing, entries, small) - fills * light).max(axis=-1)
    assert error[drawing == 255].max() <= 6
    assert error.mean() < 1


def test_shaded_gives_a_region_between_the_colors_places_the_mean_of_its_entry():
    drawing, entries = np.full((40, 40), 255, np.uint8), np.zeros((40, 40), np.uint8)
    entries[0:2, 0:2] = entries[20:, 20:] = 1
    colors = np.array([[(10, 20, 30)] * 2, [(10, 20, 30), (200, 100, 50)]], np.float32)
    result = shaded(drawing, entries, colors)
    assert tuple(result[0, 0]) == tuple(result[39, 39]) == (200, 100, 50)
    assert tuple(result[5, 5]) == tuple(result[39, 0]) == (10, 20, 30)


def test_soft_colors_mix_the_steps_of_a_gradient_and_nothing_else():
    palette = np.array([(200, 60, 50), (190, 60, 50), (40, 80, 220)], np.uint8)
    votes = np.array([[(0.5, 0.25, 0.25), (0.0, 0.4, 0.6)]], np.float32)
    entries = np.zeros((4, 8), np.uint8)
    entries[:, 4:] = 2
    soft = soft_colors(votes, entries, palette)
    assert soft[0, 0] == pytest.approx((200 - 10 / 3, 60, 50), abs=0.01)
    assert soft[0, 1] == pytest.approx((40, 80, 220), abs=0.01)


def test_the_line_art_is_on_top_untouched():
    drawing, _ = scene()
    color = np.full((*drawing.shape, 3), 200, np.uint8)
    result = lay_lines(color, drawing)
    assert (result[drawing == 0] == 0).all() and (result[drawing == 255] == 200).all()
    assert (lay_lines(np.full_like(color, 255), drawing) == drawing[..., None]).all()


def test_lines_that_are_lifted_and_laid_again_change_nothing_that_can_be_seen():
    drawing, _ = scene()
    random = np.random.default_rng(3)
    texture = random.integers(0, 256, (*drawing.shape, 3), dtype=np.uint8)  # the hardest: no color is like its neighbor
    frame = lay_lines(texture, drawing)
    fills = lift_lines(frame, drawing)
    off = np.abs(lay_lines(fills, drawing).astype(int) - frame).max(axis=2)
    assert off[drawing >= NEARLY_BLACK].max() <= 1
    assert (fills[drawing == 255] == texture[drawing == 255]).all()


def test_lines_over_what_is_transparent_look_as_if_they_were_multiplied_with_what_lies_behind():
    drawing, color = scene(70)
    transparent = color[..., 0] > np.median(color[..., 0])
    fills = with_alpha(color, 255 * ~transparent)
    laid = lay_lines(fills, drawing)
    backdrop = np.random.default_rng(0).integers(0, 256, color.shape, np.uint8)

    def seen_over(image: np.ndarray, ground: np.ndarray) -> np.ndarray:
        alpha = image[..., 3:] / 255.0
        return image[..., :3] * alpha + ground * (1 - alpha)

    multiplied = np.where(transparent[..., None], backdrop, color) * (drawing[..., None] / 255.0)
    assert np.abs(seen_over(laid, backdrop) - multiplied).max() < 1.01
    assert np.abs(seen_over(lines_alone(drawing), seen_over(fills, backdrop)) - multiplied).max() < 1.01
    lifted = lift_lines(laid, drawing)
    assert np.array_equal(lifted[drawing == 255], fills[drawing == 255])
    assert set(np.unique(lifted[..., 3])) == {0, 255}
    off = np.abs(seen_over(lines_alone(drawing), seen_over(lifted, backdrop)) - seen_over(laid, backdrop)).max(axis=2)
    assert off[drawing >= NEARLY_BLACK].max() < 1.01


@pytest.mark.parametrize("alpha", [3, 100, 250])
def test_lines_over_translucent_fills_are_laid_and_lifted(alpha: int):
    drawing, color = scene(70)
    fills = with_alpha(color, np.full(drawing.shape, alpha))
    laid = lay_lines(fills, drawing)
    assert (laid[drawing == 255] == fills[drawing == 255]).all() and (laid[drawing == 0] == (0, 0, 0, 255)).all()
    for ground in (0, 90, 255):
        multiplied = over(fills, ground) * (drawing[..., None] / 255.0)
        assert np.abs(over(laid, ground) - multiplied).max() < 2
    lifted = lift_lines(laid, drawing)
    assert (lifted[drawing == 255] == fills[drawing == 255]).all()
    again = lay_lines(lifted, drawing)
    for ground in (0, 90, 255):
        off = np.abs(over(again, ground).astype(int) - over(laid, ground))
        assert off[drawing >= NEARLY_BLACK].max() <= 1


def test_what_the_model_painted_over_white_gets_the_alpha_of_its_entries():
    drawing, painting = np.full((40, 40), 255, np.uint8), np.full((40, 40, 3), 90, np.uint8)
    colors = np.array([(10, 200, 90, 100), (30, 60, 90, 255), (0, 0, 0, 0)], np.uint8)
    entries = np.repeat(np.arange(3), 14)[:40] * np.ones((40, 1), int)
    painting = over(colors, 255)[entries]
    filled = ModelFill(Palette(colors, entries[None])).fill(drawing, entries, np.empty(0), painting[None])
    assert np.abs(filled.astype(int) - colors[entries]).max() <= 2


def test_flat_colors_stay_flat_when_the_lines_are_lifted():
    drawing, _ = scene()
    color = np.full((*drawing.shape, 3), (200, 60, 90), np.uint8)
    assert (lift_lines(lay_lines(color, drawing), drawing) == color).all()


def test_a_keyframe_keeps_its_painting():
    drawing, painting = scene()
    result = lay_lines(fill_under_lines(drawing, painting), drawing).astype(int)
    assert (result[drawing == 255] == painting[drawing == 255]).all()
    assert np.abs(result - painting).max() <= 2


def test_colors_are_filled_under_the_lines_from_their_own_side():
    drawing, painting = scene()
    fills = fill_under_lines(drawing, painting)
    assert {tuple(color) for color in np.unique(fills.reshape(-1, 3), axis=0).tolist()} == {SKY, RED, BLUE}
    assert tuple(fills[60, 26]) == RED and tuple(fills[60, 21]) == SKY
