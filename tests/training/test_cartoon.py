# SPDX-License-Identifier: GPL-3.0-or-later
"""The procedural cartoon has the properties that training relies on."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
import skia
from scipy.ndimage import label, minimum_filter

from server.training.cartoon import PaintedClip, draw_clip
from server.training.cartoon.motion import choose_holds, perform
from server.training.cartoon.render import Group, Ink, Mark, Sheet
from server.training.cartoon.scan import Scan
from server.training.cartoon.shading import Shading, choose_light
from server.training.cartoon.shapes import box, ellipse, line
from server.training.cartoon.strokes import Hand

WIDTH, HEIGHT = 256, 144
SEEDS = range(40)
_INK = Ink(width=2.0)


@pytest.fixture(scope="module")
def clips() -> list[PaintedClip]:
    """Every seed's first, seventh and last drawing at training size."""
    return [draw_clip(seed, 40, WIDTH, HEIGHT, at=(0, 6, 39)) for seed in SEEDS]


def borders(labels: np.ndarray) -> np.ndarray:
    """Pixels whose left or upper neighbor has another label; bool [H,W]."""
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


def test_different_seeds_draw_different_clips(clips: list[PaintedClip]) -> None:
    assert len({clip.line_art.tobytes() for clip in clips}) == len(clips)
    assert len({clip.sentence for clip in clips}) > len(clips) * 0.8


@pytest.mark.parametrize("seed", range(12))
def test_a_drawing_is_the_same_whichever_others_are_drawn(seed: int) -> None:
    whole = draw_clip(seed, 12, WIDTH, HEIGHT)
    some = draw_clip(seed, 12, WIDTH, HEIGHT, at=[9, 2])
    assert np.array_equal(some.line_art, whole.line_art[[9, 2]])
    assert np.array_equal(some.labels, whole.labels[[9, 2]])
    assert np.array_equal(some.colors, whole.colors)


def test_shapes_and_types_are_as_promised(clips: list[PaintedClip]) -> None:
    for clip in clips:
        assert clip.line_art.shape == clip.labels.shape == (3, HEIGHT, WIDTH)
        assert clip.line_art.dtype == clip.labels.dtype == clip.colors.dtype == np.uint8
        assert clip.sentence


def test_every_label_has_a_color_and_there_are_at_most_40(clips: list[PaintedClip]) -> None:
    for clip in clips:
        assert len(clip.colors) <= 40
        assert len(np.unique(clip.colors, axis=0)) == len(clip.colors)
        assert clip.labels.max() < len(clip.colors)
        assert len(np.unique(clip.labels)) > 1


def test_line_art_is_paper_with_thin_dark_lines(clips: list[PaintedClip]) -> None:
    for clip in clips:
        assert np.median(clip.line_art) >= 225  # scans that nobody has cleaned up
        assert 0.003 < (clip.line_art < 200).mean() < 0.25
        assert clip.line_art.min() < 200
    assert np.mean([np.median(clip.line_art) == 255 for clip in clips]) > 0.8


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


def test_strokes_by_hand_stop_short_and_run_over() -> None:
    disc = [Mark(ellipse(50, 50, 30, 30), 2)]
    whole = paint(disc, ink=replace(_INK, hand=Hand(length=20)))
    short = paint(disc, ink=replace(_INK, hand=Hand(length=20, overshoot=-9)))
    over = paint(disc, ink=replace(_INK, hand=Hand(length=20, overshoot=12)))
    inked = [(sheet.art < 128) for sheet in (whole, short, over)]
    assert inked[1].sum() < 0.95 * inked[0].sum()
    assert inked[2].sum() > 1.1 * inked[0].sum()
    assert np.array_equal(whole.labels, over.labels)


def test_a_tapered_stroke_is_thinnest_at_its_ends() -> None:
    sheet = paint([Mark(line((20, 50), (80, 50)), None)], ink=Ink(width=8, hand=Hand(length=500, taper=1.0)))
    thickness = (sheet.art < 128).sum(0)
    assert thickness[50] >= 7
    assert 0 < thickness[22] < 5


def test_what_is_clipped_or_inset_is_part_of_what_it_lies_on() -> None:
    body = Mark(box(20, 20, 80, 80), 2)
    spot, eye = Mark(box(30, 30, 40, 90), 3, clip=body.path), Mark(box(60, 30, 70, 40), 4, inset=True)
    sheet = Sheet(100, 100)
    sheet.paint([[body], [spot], [eye], [Mark(box(40, 70, 60, 90), 5)]], _INK, skia.Matrix(), 1.0, 0, figure=3)
    assert sheet.parts[50, 50] == sheet.parts[35, 35] == sheet.parts[35, 65] == 3 * 256 + 1
    assert sheet.parts[80, 50] == 3 * 256 + 2
    assert sheet.parts[5, 5] == 0


def test_a_figure_keeps_its_number_through_the_story(clips: list[PaintedClip]) -> None:
    for clip in clips:
        assert clip.parts.shape == clip.labels.shape
        assert clip.parts.max() // 256 <= 8
    clip = draw_clip(5, 30, WIDTH, HEIGHT)
    for figure in np.unique(clip.parts // 256)[1:]:
        fills = [set(clip.labels[i][clip.parts[i] // 256 == figure]) for i in (0, 29)]
        assert not all(fills) or len(fills[0] & fills[1]) >= 0.5 * min(map(len, fills))


VIEW = np.array([[90, 0, 0], [0, 90, 0]], np.float32)


def test_shading_keeps_to_the_far_side_of_each_part() -> None:
    parts = np.zeros((90, 90), np.uint16)
    parts[20:70, 20:70] = 257
    flat = np.full((90, 90, 3), 200, np.uint8)
    painted = Shading(toward=(-1.0, 0.0), form=1.0, reach=0.2).paint(flat, parts, VIEW)
    assert painted[45, 66].max() < 150 < 195 < painted[45, 24].min()
    assert (painted[45, 74:] == 200).all()
    assert np.array_equal(Shading().paint(flat, parts, VIEW), flat)


def test_a_cast_shadow_falls_behind_the_figure() -> None:
    parts = np.zeros((90, 90), np.uint16)
    parts[20:70, 40:50] = 257
    flat = np.full((90, 90, 3), 200, np.uint8)
    painted = Shading(toward=(-1.0, 0.0), cast=1.0, fall=0.2).paint(flat, parts, VIEW)
    assert painted[45, 53].max() < 180
    assert (painted[45, 44:47] == 200).all() and (painted[45, :36] == 200).all()


def test_a_painting_without_shading_is_the_fills() -> None:
    drawn = [draw_clip(seed, 40, WIDTH, HEIGHT, at=[3]) for seed in range(60)]
    flat = [clip for clip in drawn if not (clip.shading.form or clip.shading.texture) and (clip.light == 1).all()]
    assert 8 < len(flat) < 40
    for clip in flat:
        assert np.array_equal(clip.painting(0), clip.colors[clip.labels[0]])
    for clip in drawn:
        assert np.abs(clip.painting(0).astype(int) - clip.colors[clip.labels[0]]).mean() < 90


def test_light_changes_slowly_and_seldom() -> None:
    lights = [choose_light(Random(seed), 40) for seed in range(200)]
    changing = [light for light in lights if light.min() < 1]
    assert 10 < len(changing) < 45
    assert max(np.abs(np.diff(light, axis=0)).max() for light in lights) < 0.05


def test_scans_of_equal_drawings_differ_and_keep_their_lines() -> None:
    art = paint([Mark(ellipse(50, 50, 30, 30), 2)]).art
    scan = Scan(fade=0.5, breaks=0.05, tooth=0.4, dirt=10, grain=4, dust=3, blur=0.5, jpeg=70, paper=235)
    first, second = scan.of(art, 1, 0), scan.of(art, 1, 1)
    assert np.array_equal(first, scan.of(art, 1, 0))
    assert not np.array_equal(first, second)
    assert first[art > 250].mean() > 235
    assert first[art < 50].mean() < 170
    assert np.array_equal(Scan().of(art, 1, 0), art)


def test_drawings_are_held_on_ones_twos_and_threes() -> None:
    holds = [hold for seed in range(20) for hold in choose_holds(Random(seed), 100)]
    assert min(holds) == 1 and max(holds) <= 16
    assert np.mean(np.array(holds) <= 3) > 0.9
    assert 1.8 < np.mean(holds) < 2.6


def test_an_actor_that_leaves_stays_away_for_long() -> None:
    for seed in range(10):
        poses = perform(Random(seed), "leave", 400, 1.6, 0.4, (0.8, 0.9), 1.0)
        away = "".join("x" if not -0.3 < pose.x < 1.9 else " " for pose in poses).strip().split()
        assert max(map(len, away)) >= 25


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
