# SPDX-License-Identifier: GPL-3.0-or-later
"""Region labels: a closed region gets one color whatever single votes say, and breaks in lines do not leak."""

import cv2
import numpy as np
import pytest

from server.coloring.line_art.compositing import fill_under_lines
from server.coloring.region_labels import label_regions

from .drawings import BLUE, RED, SKY, circle, paper, scene

COLORS = np.array([SKY, RED, BLUE])
ANY = np.ones((3, 3), bool)
"""All entries may meet without a line between them."""
GRID = (80, 45)


def truth(gap: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The line art of the scene, broken or not, and the entry of every pixel."""
    _, painting = scene()
    labels = (fill_under_lines(scene()[0], painting)[:, :, None] == COLORS).all(axis=-1).argmax(axis=-1)
    return scene(gap=gap)[0], labels.astype(np.uint8)


def votes_for(labels: np.ndarray, size: tuple[int, int] = GRID) -> np.ndarray:
    """What a matcher that is right and sharp votes, float32 [h, w, 3]."""
    shares = [
        cv2.resize((labels == entry).astype(np.float32), size, interpolation=cv2.INTER_AREA) for entry in range(3)
    ]
    return np.stack(shares, axis=-1)


def wrong(entries: np.ndarray, labels: np.ndarray, drawing: np.ndarray) -> float:
    """Share of pixels clear of lines with another entry than the true one."""
    clear = cv2.erode(drawing, np.ones((3, 3), np.uint8)) >= 200
    return (entries != labels)[clear].mean()


@pytest.mark.parametrize("gap", [0, 4, 14, 30])
def test_a_break_in_a_line_does_not_leak(gap):
    drawing, labels = truth(gap)
    assert wrong(label_regions(drawing, votes_for(labels), ANY).entries, labels, drawing) < 0.002


def test_noise_and_patches_of_error_leave_closed_regions_in_one_color():
    drawing, labels = truth()
    rng = np.random.default_rng(0)
    votes = 0.6 * votes_for(labels) + 0.4 * rng.dirichlet(np.ones(3), (45, 80)).astype(np.float32)
    votes[3:9, 40:46] = (0.3, 0.7, 0)  # in the open sky
    votes[13:17, 12:16] = (0.6, 0.4, 0)  # inside the red ball
    region_labels = label_regions(drawing, votes, ANY)
    assert (region_labels.entries == labels)[drawing == 255].all()
    assert len(region_labels.labels) == 3


def test_an_error_beside_a_break_is_outvoted_by_its_own_region():
    drawing, labels = truth(gap=4)
    votes = votes_for(labels)
    votes[9:21, 17:24][labels[2::4, 2::4][9:21, 17:24] == 1] = (0.55, 0.45, 0)  # as if the sky came in
    entries = label_regions(drawing, votes, ANY).entries
    assert entries[60, 60] == entries[60, 85] == 1 and entries[60, 110] == 0


def test_a_painted_background_without_lines_is_split_where_the_votes_say():
    drawing, labels = paper(), np.zeros((180, 320), np.uint8)
    labels[:, 130:] = 1
    cv2.ellipse(labels, (230, 90), (50, 70), 0, 0, 360, 2, -1)
    assert wrong(label_regions(drawing, votes_for(labels), ANY).entries, labels, drawing) < 0.004


def test_a_confident_leak_is_kept_apart_from_what_it_leaks_into():
    drawing, labels = truth(gap=14)
    votes = votes_for(labels)
    votes[labels[2::4, 2::4] == 1] = (0.4, 0, 0.6)  # the matcher takes the red ball for the blue one
    entries = label_regions(drawing, votes, ANY).entries
    assert entries[60, 60] == 2 and entries[10, 10] == 0


def test_a_gap_size_closes_a_break_through_which_a_small_region_leaks():
    drawing = paper()
    circle(drawing, (160, 90), 20, gap=10)
    inside = np.hypot(*np.mgrid[-90:90, -160:160]) < 20
    votes = np.full((45, 80, 3), (0.9, 0.1, 0), np.float32)
    votes[cv2.resize(inside.astype(np.uint8), GRID) > 0] = (0.49, 0.51, 0)
    leaking, closed = (label_regions(drawing, votes, ANY, gap).entries for gap in (0, 0.1))
    assert leaking[90, 160] == 0 and closed[90, 160] == 1
    assert closed[10, 10] == closed[90, 20] == 0


def test_areas_below_the_smallest_region_take_the_nearest_color():
    drawing = paper()
    cv2.rectangle(drawing, (100, 50), (109, 59), 0, 1)  # 64 pixels inside
    votes = np.full((45, 80, 3), (1, 0, 0), np.float32)
    votes[12:15, 25:28] = (0, 1, 0)
    for smallest, entry in ((64, 1), (65, 0)):
        entries = label_regions(drawing, votes, ANY, smallest=smallest).entries
        assert entries[54, 104] == entry and entries[20, 20] == 0


def test_gray_uneven_paper_with_faint_lines_is_read_like_white():
    drawing, labels = truth()
    shade = np.linspace(0.6, 0.95, 320)
    faint = np.round((255 - (255 - drawing.astype(float)) * 0.35) * shade).astype(np.uint8)
    rng = np.random.default_rng(0)
    votes = 0.5 * votes_for(labels) + 0.5 * rng.dirichlet(np.ones(3), (45, 80)).astype(np.float32)
    assert wrong(label_regions(faint, votes, ANY).entries, labels, drawing) < 0.002


@pytest.mark.parametrize("shape", [(180, 320), (240, 320), (271, 479)])
def test_votes_need_not_divide_the_drawing(shape):
    drawing, labels = truth()
    drawing = cv2.resize(drawing, shape[::-1], interpolation=cv2.INTER_AREA)
    labels = cv2.resize(labels, shape[::-1], interpolation=cv2.INTER_NEAREST)
    entries = label_regions(drawing, votes_for(labels, (71, 53)), ANY).entries
    assert entries.shape == shape and wrong(entries, labels, drawing) < 0.003


@pytest.mark.parametrize("value", [0, 255])
def test_a_sheet_without_lines_or_without_paper_takes_what_most_vote_for(value):
    votes = np.full((9, 16, 2), 0.5, np.float32)
    votes[2:5, 2:5] = (0.2, 0.8)
    assert (label_regions(np.full((36, 64), value, np.uint8), votes, ANY[:2, :2]).entries == 1).all()


def test_a_guess_is_listed_with_its_place_and_both_candidates():
    drawing, labels = truth()
    votes = votes_for(labels)
    votes[labels[2::4, 2::4] == 2] = (0, 0.45, 0.55)
    (guess,) = label_regions(drawing, votes, ANY).uncertain()
    assert guess.entries == (2, 1) and guess.margin == pytest.approx(0.1, abs=0.05)
    left, top, width, height = guess.box
    assert abs(left - 164) <= 3 and abs(top - 74) <= 3 and abs(width - 72) <= 4 and abs(height - 72) <= 4
    assert guess.share == pytest.approx(np.pi * 36**2 / drawing.size, rel=0.1)


def test_sure_regions_are_not_listed():
    drawing, labels = truth()
    assert label_regions(drawing, votes_for(labels), ANY).uncertain() == []


@pytest.mark.parametrize(("may_meet", "is_split"), [(True, True), (False, False)])
def test_a_border_that_no_keyframe_shows_is_not_invented(may_meet, is_split):
    """Votes say that half of the sky is red. Only where the keyframe shows such a border is it believed."""
    drawing, labels = truth()
    votes = votes_for(labels)
    votes[24:, :40][labels[2::4, 2::4][24:, :40] == 0] = (0.42, 0.58, 0)
    meetings = np.eye(3, dtype=bool)
    meetings[0, 1] = meetings[1, 0] = may_meet
    entries = label_regions(drawing, votes, meetings).entries
    assert (entries[170, 5] == 1) == is_split
    assert entries[10, 10] == 0 and entries[60, 60] == 1


def test_a_break_in_a_line_does_not_leak_though_no_keyframe_has_it():
    drawing, labels = truth(gap=14)
    assert wrong(label_regions(drawing, votes_for(labels), np.eye(3, dtype=bool)).entries, labels, drawing) < 0.002
