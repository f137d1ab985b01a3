# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyframe's colors are found as they were painted, and code colors can be decoded."""

import cv2
import numpy as np
import pytest

from server.coloring.code_colors import code_colors, decode_distances
from server.coloring.palette import MAX_ENTRIES, MOST_FLAT, appearance, extract_palette, recolor, to_lab

from .drawings import BLUE, RED, SKY, circle, paper, scene, with_alpha


def colors_of(palette) -> set[tuple[int, ...]]:
    return {tuple(int(channel) for channel in color) for color in palette.colors}


def test_the_palette_has_the_flat_colors_and_nothing_else():
    drawing, painting = scene()
    palette = extract_palette([painting], [drawing])
    assert colors_of(palette) == {SKY, RED, BLUE}


def test_the_labels_go_on_under_the_lines():
    drawing, painting = scene()
    palette = extract_palette([painting], [drawing])
    shown = recolor(palette.labels[0], palette.colors)
    assert tuple(shown[60, 60]) == RED and tuple(shown[60, 60 - 35]) == RED  # the middle of the line is at 24
    assert tuple(shown[60, 60 - 38]) == SKY


def test_soft_borders_and_fills_beside_the_lines_add_no_colors():
    drawing, _ = scene()
    fills = np.empty((*drawing.shape, 3), np.uint8)
    fills[:] = SKY
    cv2.circle(fills, (62, 61), 36, RED, -1, cv2.LINE_AA)
    cv2.circle(fills, (199, 108), 36, BLUE, -1, cv2.LINE_AA)
    assert colors_of(extract_palette([fills], [drawing])) == {SKY, RED, BLUE}


def test_a_region_of_a_few_pixels_keeps_its_own_color():
    drawing = paper(60, 80)
    cv2.rectangle(drawing, (30, 20), (34, 24), 0, 1)  # encloses 3×3 pixels, as an eye does
    painting = np.full((60, 80, 3), 255, np.uint8)
    painting[21:24, 31:34] = GREEN = (20, 200, 90)
    painting[drawing == 0] = 0
    palette = extract_palette([painting], [drawing])
    assert GREEN in colors_of(palette)
    assert tuple(palette.colors[palette.labels[0][22, 32]]) == GREEN


def test_a_gradient_gets_several_entries_but_not_too_many():
    drawing = paper()
    circle(drawing, (160, 90), 60)
    ramp = np.linspace(0, 255, 320).astype(np.uint8)
    painting = np.stack([np.tile(ramp, (180, 1)), np.full((180, 320), 120, np.uint8), np.tile(ramp[::-1], (180, 1))], 2)
    palette = extract_palette([painting], [drawing])
    assert 8 <= len(palette.colors) <= MAX_ENTRIES
    error = np.linalg.norm(to_lab(palette.colors)[palette.labels[0]] - to_lab(painting), axis=-1)[drawing == 255]
    assert np.mean(error) < 4


def swatches(columns: int, rows: int, colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A drawing of boxes of 15 pixels, and its painting in flat colors uint8 [columns · rows, 3]."""
    drawing = np.full((16 * rows + 1, 16 * columns + 1), 255, np.uint8)
    drawing[::16] = drawing[:, ::16] = 0
    painting = np.kron(colors.reshape(rows, columns, 3), np.ones((16, 16, 1), np.uint8))
    return drawing, cv2.copyMakeBorder(painting, 0, 1, 0, 1, cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("count", [64, 80, MOST_FLAT])
def test_every_flat_fill_keeps_its_color(count: int) -> None:
    colors = code_colors(count, np.random.default_rng(0))
    drawing, painting = swatches(count // 8, 8, colors)
    palette = extract_palette([painting], [drawing])
    assert colors_of(palette) == {tuple(color) for color in colors.tolist()} and not palette.left_out
    assert (recolor(palette.labels[0], palette.colors) == painting)[drawing == 255].all()


def test_flat_fills_that_look_nearly_the_same_stay_apart() -> None:
    skin, shade = (245, 210, 180), (243, 208, 179)
    drawing, painting = swatches(2, 1, np.array([skin, shade], np.uint8))
    assert colors_of(extract_palette([painting], [drawing])) == {skin, shade}


def test_a_gradient_takes_no_entry_from_flat_fills() -> None:
    colors = code_colors(60, np.random.default_rng(0))
    drawing, painting = swatches(10, 6, colors)
    ramp = np.linspace(0, 255, 161).astype(np.uint8)[None, :, None] * np.array([1, 0, 0.5])
    both = np.concatenate([painting, np.broadcast_to(ramp, (120, 161, 3)).astype(np.uint8)])
    palette = extract_palette([both], [np.concatenate([drawing, np.full((120, 161), 255, np.uint8)])])
    assert {tuple(color) for color in colors.tolist()} <= colors_of(palette)
    assert 68 <= len(palette.colors) <= 60 + MAX_ENTRIES // 2


def test_more_flat_fills_than_a_palette_has_are_counted() -> None:
    colors = code_colors(MOST_FLAT + 24, np.random.default_rng(0))
    palette = extract_palette(*([image] for image in reversed(swatches(20, 14, colors))))
    assert len(palette.colors) == MOST_FLAT and palette.left_out == 24


def test_a_noisy_painting_still_gets_a_small_palette():
    drawing, painting = scene()
    noise = np.random.default_rng(0).normal(0, 2, painting.shape)
    palette = extract_palette([np.clip(painting + noise, 0, 255).astype(np.uint8)], [drawing])
    assert 3 <= len(palette.colors) <= 12
    for color in (SKY, RED, BLUE):
        assert np.abs(palette.colors.astype(int) - color).max(1).min() <= 6


def test_another_keyframe_adds_the_colors_that_are_new_and_changes_none():
    drawing, painting = scene()
    other = painting.copy()
    other[(painting == BLUE).all(axis=-1)] = GREEN = (20, 200, 90)
    alone = extract_palette([painting], [drawing])
    again = extract_palette([painting, painting], [drawing, drawing])
    assert np.array_equal(again.colors, alone.colors)
    both = extract_palette([painting, other], [drawing, drawing])
    assert np.array_equal(both.colors[:-1], alone.colors) and tuple(both.colors[-1]) == GREEN
    assert np.array_equal(both.labels[0], alone.labels[0])
    assert (recolor(both.labels[1], both.colors) == GREEN).all(axis=-1).any()


def test_what_is_transparent_is_an_entry_of_its_own_and_no_color():
    drawing, painting = scene()
    sky = (painting == SKY).all(axis=-1)
    palette = extract_palette([with_alpha(painting, 255 * ~sky)], [drawing])
    assert {tuple(color) for color in palette.visible.tolist()} == {(*RED, 255), (*BLUE, 255)}
    assert palette.colors[-1].tolist() == [0, 0, 0, 0]
    assert ((palette.labels[0] == 2) == sky)[drawing == 255].all()


def test_a_translucent_fill_is_an_entry_of_its_own():
    drawing, painting = scene()
    red, blue = ((painting == color).all(axis=-1) for color in (RED, BLUE))
    alpha = np.select([red, blue], [100, 255], 0)
    painting[blue] = RED  # only the alpha tells them apart
    palette = extract_palette([with_alpha(painting, alpha)], [drawing])
    assert sorted(palette.colors.tolist()) == [[0, 0, 0, 0], [*RED, 100], [*RED, 255]]
    assert (palette.colors[palette.labels[0]][..., 3] == alpha)[drawing == 255].all()
    assert palette.on_white[palette.colors[:, 3] == 100].tolist() == [[255 - round((255 - c) * 100 / 255) for c in RED]]


def test_a_soft_edge_to_nothing_has_steps_of_alpha_and_one_color():
    drawing, painting = np.full((64, 256), 255, np.uint8), np.full((64, 256, 3), RED, np.uint8)
    palette = extract_palette([with_alpha(painting, np.arange(256) * np.ones((64, 1)))], [drawing])
    assert 16 < len(palette.colors) <= MAX_ENTRIES
    assert np.abs(palette.visible[palette.visible[:, 3] > 60][:, :3].astype(int) - RED).max() <= 12
    drawn = palette.colors[palette.labels[0]][..., 3].astype(int)
    assert np.abs(drawn - np.arange(256)).max() <= 12


def test_translucent_colors_differ_as_they_look():
    same = appearance(np.array([[0, 0, 0, 0], [255, 0, 0, 0]], np.uint8))
    assert np.linalg.norm(same[0] - same[1]) == 0
    opaque = np.array([RED, BLUE], np.uint8)
    distance = np.linalg.norm(np.subtract(*appearance(np.pad(opaque, [(0, 0), (0, 1)], constant_values=255))))
    assert distance == pytest.approx(np.linalg.norm(np.subtract(*to_lab(opaque))), rel=1e-5)


def test_a_small_region_is_transparent_if_most_of_it_is():
    drawing, painting = np.full((40, 40), 255, np.uint8), np.full((40, 40, 3), 90, np.uint8)
    drawing[10:16, 10:16] = 0
    drawing[11:15, 11:15] = 255
    alpha = np.full((40, 40), 255)
    alpha[11:15, 11:14] = 0
    palette = extract_palette([with_alpha(painting, alpha)], [drawing])
    assert (palette.labels[0] == 1)[11:15, 11:15].all() and not (palette.labels[0] == 1)[:9].any()


@pytest.mark.parametrize(("count", "least"), [(2, 150), (6, 110), (12, 60), (27, 40), (48, 25)])
def test_code_colors_are_far_apart_and_unlike_the_lines(count, least):
    codes = code_colors(count, np.random.default_rng(count)).astype(int)
    distances = np.linalg.norm(codes[:, None] - codes[None], axis=-1) + 1000 * np.eye(count)
    assert codes.shape == (count, 3) and distances.min() >= least
    assert codes.min() >= 40


def test_the_same_seed_gives_the_same_codes_and_another_others():
    first, again, other = (code_colors(10, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_drifted_codes_decode_to_the_right_entry_when_runs_are_added():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, (1, 24, 32))
    total = np.zeros((1, 24, 32, 9), np.float32)
    for _ in range(4):
        codes = code_colors(9, rng)
        drifted = recolor(labels, codes) / 255 + rng.normal(0, 0.15, (1, 24, 32, 3)) - 0.05
        total += decode_distances(drifted.clip(0, 1), codes)
    assert (total.argmin(-1) == labels).mean() > 0.99
    exact = ((drifted.clip(0, 1)[..., None, :] - codes / 255) ** 2).sum(-1)
    assert np.allclose(decode_distances(drifted.clip(0, 1), codes), exact, atol=1e-4)


def test_colors_of_their_own_are_two_entries_however_alike_they_are() -> None:
    lines = np.full((30, 60), 255, np.uint8)
    lines[:, 30] = 0
    hat, bow = (200, 40, 60), (200, 40, 61)
    first = np.full((30, 60, 3), hat, np.uint8)
    second = first.copy()
    second[:, 31:] = bow
    both = extract_palette([second], [lines])
    assert both.colors.tolist() == [[*hat], [*bow]], "in one keyframe, flat colors are two anyway"
    merged = extract_palette([first, second], [lines, lines])
    assert merged.colors.tolist() == [[*hat]], "the same hat keeps the same red"
    own = extract_palette([first, second], [lines, lines], own=["#c8283c", "#c8283d", "#123456"])
    assert own.colors.tolist() == [[*hat], [*bow]]
    assert (own.labels[0] == 0).all() and (own.labels[1][:, 31:] == 1).all() and (own.labels[1][:, :30] == 0).all()
    clear = [np.dstack([one, np.full((30, 60), 255, np.uint8)]) for one in (first, second)]
    clear[1][:10, :20, 3] = 0
    assert extract_palette(clear, [lines, lines], own=["#c8283d"]).colors[:2].tolist() == [[*hat, 255], [*bow, 255]]
