# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions are what an animator would fill: small gaps do not leak, closed shapes are not cut."""

import cv2
import numpy as np
import pytest

from server.coloring.line_art.regions import Regions, entry_regions, find_paper, find_regions
from tests.coloring.drawings import circle, paper


def same(regions: Regions, a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether two places (x, y) lie in one region."""
    return bool(regions.labels[a[1], a[0]] == regions.labels[b[1], b[0]])


@pytest.mark.parametrize("gap", [2, 3, 4, 5])
def test_a_small_gap_does_not_leak(gap):
    drawing = paper()
    circle(drawing, (100, 90), 40, gap)
    regions = find_regions(drawing)
    assert regions.count == 2
    assert not same(regions, (100, 90), (250, 90))


def test_without_closing_the_same_gap_leaks():
    drawing = paper()
    circle(drawing, (100, 90), 40, 4)
    assert same(find_regions(drawing, gap=0), (100, 90), (250, 90))


def test_many_gaps_of_different_widths_are_all_closed():
    drawing = paper(360, 640)
    circle(drawing, (300, 180), 120)
    for angle, radius in zip(range(0, 360, 40), (1, 2, 3, 2, 1, 3, 2, 1, 3), strict=True):
        at = (round(300 + 120 * np.cos(np.radians(angle))), round(180 + 120 * np.sin(np.radians(angle))))
        cv2.circle(drawing, at, radius, 255, -1)
    assert not same(find_regions(drawing), (300, 180), (20, 20))


def test_a_closed_shape_stays_one_region_with_its_thin_parts():
    drawing = paper()
    outline = [(20, 60), (80, 60), (80, 86), (200, 86), (200, 60), (270, 60)]  # two rooms and a corridor 8 high
    mirrored = [(x, 180 - y) for x, y in reversed(outline)]
    cv2.polylines(drawing, [np.array(outline + mirrored)], True, 0, 3, cv2.LINE_AA)
    regions = find_regions(drawing)
    assert regions.count == 2
    assert same(regions, (50, 90), (140, 90)) and same(regions, (50, 90), (240, 90))


def test_spikes_belong_to_their_star():
    drawing = paper()
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    radii = np.where(np.arange(20) % 2, 24, 80)
    points = np.stack([160 + radii * np.cos(angles), 90 + radii * np.sin(angles)], 1).astype(np.int32)
    cv2.polylines(drawing, [points], True, 0, 2, cv2.LINE_AA)
    regions = find_regions(drawing)
    assert regions.count == 2
    assert same(regions, (160, 90), (225, 90))


def test_every_line_pixel_joins_a_region_beside_it():
    drawing = paper()
    circle(drawing, (100, 90), 40)
    regions = find_regions(drawing)
    assert regions.labels.shape == drawing.shape and regions.labels.dtype == np.int32
    assert set(np.unique(regions.labels)) == {0, 1}
    assert regions.is_line[90, 60] and regions.labels[90, 62] == regions.labels[90, 100]
    assert regions.labels[90, 57] == regions.labels[10, 10]


def test_lines_are_told_from_gray_and_uneven_paper():
    drawing = paper()
    circle(drawing, (100, 90), 40)
    cv2.rectangle(drawing, (200, 30), (300, 150), 0, -1)  # a large black area is ink, not dark paper
    scan = np.round(drawing * np.linspace(0.6, 1, 320)).astype(np.uint8)
    assert (find_paper(scan) == (drawing > 0.875 * 255)).mean() > 0.999
    assert find_regions(scan).count == 2


def test_entries_bound_regions_where_no_line_does():
    drawing, entries = paper(60, 60), np.zeros((60, 60), np.uint8)
    cv2.line(drawing, (30, 0), (30, 59), 0, 1)
    entries[20:30, 10:20] = entries[20:30, 40:50] = 1
    regions = entry_regions(drawing, entries)
    assert regions.count == 4
    assert same(regions, (0, 0), (29, 59)) and not same(regions, (0, 0), (59, 0))
    assert not same(regions, (15, 25), (45, 25)) and not same(regions, (15, 25), (0, 0))
    assert regions.depth[25, 10] == 0 and regions.depth[25, 15] > 3


@pytest.mark.parametrize("value", [0, 255])
def test_a_sheet_without_lines_or_without_paper_is_one_region(value):
    regions = find_regions(np.full((20, 30), value, np.uint8))
    assert regions.count == 1 and (regions.labels == 0).all()


def test_a_region_cut_by_the_frame_is_closed_by_it():
    drawing = paper()
    circle(drawing, (0, 90), 40)
    assert not same(find_regions(drawing), (5, 90), (200, 90))


def test_colors_are_copied_from_the_own_region_even_when_another_is_nearer():
    drawing = paper(60, 60)
    cv2.line(drawing, (30, 0), (30, 59), 0, 1)
    regions = find_regions(drawing)
    sure = np.zeros(drawing.shape, bool)
    sure[30, 2] = sure[:, 32] = True  # on the left only a far pixel is sure, on the right one beside the line
    source = regions.sources(sure)
    assert source[30, 28] == 30 * 60 + 2
    assert source[30, 34] == 30 * 60 + 32


@pytest.mark.parametrize("smooth", [cv2.LINE_8, cv2.LINE_AA], ids=["jagged", "smooth"])
def test_lines_of_one_pixel_bound_the_same_regions_at_any_size(smooth):
    counts = []
    for scale in (1, 4):
        drawing = paper(180 * scale, 320 * scale)
        for x in range(30, 300, 50):
            cv2.circle(drawing, (x * scale, 90 * scale), 20 * scale, 0, 1, smooth)
            cv2.line(drawing, ((x - 25) * scale, 40 * scale), ((x + 25) * scale, 150 * scale), 0, 1, smooth)
        counts.append(find_regions(drawing).count)
    assert counts == [counts[0]] * 2 and counts[0] > 12
