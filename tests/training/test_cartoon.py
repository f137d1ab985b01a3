# SPDX-License-Identifier: GPL-3.0-or-later
"""The procedural cartoon keeps what the training builds on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skia
from scipy.ndimage import label, minimum_filter

from server.training.cartoon import Clip, draw_clip
from server.training.cartoon.render import Group, Ink, Mark, Sheet
from server.training.cartoon.shapes import box, ellipse

WIDTH, HEIGHT = 256, 144
SEEDS = range(40)
_INK = Ink(width=2.0)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    """Every seed's first, seventh and last drawing at training size."""
    return [draw_clip(seed, 40, WIDTH, HEIGHT, at=(0, 6, 39)) for seed in SEEDS]


def borders(labels: np.ndarray) -> np.ndarray:
    """Pixels whose left or upper neighbour has another label; bool [H,W]."""
    found = np.zeros(labels.shape, bool)
    found[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    found[1:] |= labels[1:] != labels[:-1]
    return found


def test_the_same_seed_draws_the_same_clip() -> None:
    first, again = draw_clip(7, 8, WIDTH, HEIGHT), draw_clip(7, 8, WIDTH, HEIGHT)
    assert np.array_equal(first.line_art, again.line_art)
    assert np.array_equal(first.labels, again.labels)
    assert np.array_equal(first.colors, again.colors)
    assert first.sentence == again.sentence


def test_different_seeds_draw_different_clips(clips: list[Clip]) -> None:
    assert len({clip.line_art.tobytes() for clip in clips}) == len(clips)
    assert len({clip.sentence for clip in clips}) > len(clips) * 0.8


@pytest.mark.parametrize("seed", range(12))
def test_a_drawing_is_the_same_whichever_others_are_drawn(seed: int) -> None:
    whole = draw_clip(seed, 12, WIDTH, HEIGHT)
    some = draw_clip(seed, 12, WIDTH, HEIGHT, at=[9, 2])
    assert np.array_equal(some.line_art, whole.line_art[[9, 2]])
    assert np.array_equal(some.labels, whole.labels[[9, 2]])
    assert np.array_equal(some.colors, whole.colors)


def test_shapes_and_types_are_as_promised(clips: list[Clip]) -> None:
    for clip in clips:
        assert clip.line_art.shape == clip.labels.shape == (3, HEIGHT, WIDTH)
        assert clip.line_art.dtype == clip.labels.dtype == clip.colors.dtype == np.uint8
        assert clip.sentence


def test_every_label_has_a_color_and_there_are_at_most_40(clips: list[Clip]) -> None:
    for clip in clips:
        assert len(clip.colors) <= 40
        assert len(np.unique(clip.colors, axis=0)) == len(clip.colors)
        assert clip.labels.max() < len(clip.colors)
        assert len(np.unique(clip.labels)) > 1


def test_line_art_is_paper_with_thin_dark_lines(clips: list[Clip]) -> None:
    for clip in clips:
        assert np.median(clip.line_art) == 255
        assert 0.003 < (clip.line_art < 200).mean() < 0.25
        assert clip.line_art.min() < 200


def test_the_borders_of_fills_lie_on_lines() -> None:
    shares = []
    for seed in SEEDS:
        clip = draw_clip(seed, 40, 960, 540, at=[5])
        border = borders(clip.labels[0])
        inked = minimum_filter(clip.line_art[0], 5) < 200
        shares.append((border & inked).sum() / border.sum())
    # Clips with a hard shadow or a painted background have borders that no line shows; they are few.
    assert np.median(shares) > 0.98
    assert np.mean(np.array(shares) > 0.9) > 0.8


def test_a_region_closed_by_lines_has_one_fill() -> None:
    pure = []
    for seed in SEEDS:
        clip = draw_clip(seed, 40, 960, 540, at=[5])
        regions, count = label(clip.line_art[0] > 250)
        sizes = np.bincount(regions.ravel())
        for region in range(1, count + 1):
            if sizes[region] > 400:
                fills = np.bincount(clip.labels[0][regions == region])
                pure.append(fills.max() / fills.sum() > 0.98)
    assert np.mean(pure) > 0.9


def paint(*groups: Group, ink: Ink = _INK) -> Sheet:
    """The groups on a sheet of 100 by 100 pixels, in pixels."""
    sheet = Sheet(100, 100)
    sheet.paint([[Mark(box(0, 0, 100, 100), 1, line=0)], *groups], ink, skia.Matrix(), 1.0, 0)
    return sheet


def test_lines_behind_a_part_are_hidden() -> None:
    sheet = paint([Mark(ellipse(50, 50, 30, 30), 2)], [Mark(box(50, 10, 90, 90), 3)])
    assert (sheet.art[12:88, 52:88] == 255).all()
    assert sheet.art[50, 19] < 100  # the visible side of the ellipse
    assert (sheet.labels[12:88, 52:88] == 3).all()
    assert sheet.labels[50, 30] == 2


def test_parts_of_a_group_share_one_outline() -> None:
    halves = Mark(box(20, 40, 50, 60), 2), Mark(box(50, 40, 80, 60), 3)
    together, apart = paint([*halves]), paint([halves[0]], [halves[1]])
    assert (together.art[42:58, 22:78] == 255).all()
    assert apart.art[50, 48:52].min() < 100
    assert np.array_equal(together.labels, apart.labels)


def test_a_shaded_part_has_a_shadow_that_the_line_art_does_not_show() -> None:
    plain, shaded = paint([Mark(ellipse(50, 50, 30, 30), 2)]), paint([Mark(ellipse(50, 50, 30, 30), 2, shade=4)])
    assert np.array_equal(plain.art, shaded.art)
    assert shaded.labels[50, 77] == 4 and shaded.labels[50, 25] == 2


def test_gaps_break_outlines() -> None:
    disc = [Mark(ellipse(50, 50, 40, 40), 2)]
    whole, broken = paint(disc), paint(disc, ink=replace(_INK, gap=0.1))
    assert (broken.art < 128).sum() < 0.99 * (whole.art < 128).sum()
    assert np.array_equal(whole.labels, broken.labels)


def test_figures_move_from_drawing_to_drawing() -> None:
    moved = []
    for seed in SEEDS:
        clip = draw_clip(seed, 40, WIDTH, HEIGHT, at=[10, 11, 20])
        moved.append([(clip.labels[0] != clip.labels[i]).mean() for i in (1, 2)])
    near, far = np.median(moved, axis=0)
    assert 0.005 < near < far


def test_a_drawing_outside_the_story_is_refused() -> None:
    with pytest.raises(IndexError, match="drawings 0 to 4"):
        draw_clip(0, 5, WIDTH, HEIGHT, at=[5])
