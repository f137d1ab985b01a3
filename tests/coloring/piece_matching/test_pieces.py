# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces cover the paper, keep within regions and entries, and are described as they are."""

import numpy as np
import pytest

from server.coloring.line_art.regions import find_regions
from server.coloring.piece_matching import CELL, STRIDE, Pieces, find_pieces

from ..drawings import circle, paper


def drawing() -> np.ndarray:
    """A large and a small circle."""
    line_art = paper()
    circle(line_art, (90, 90), 70)
    circle(line_art, (250, 60), 12)
    return line_art


def pieces_of(line_art: np.ndarray, entries: np.ndarray | None = None) -> Pieces:
    return find_pieces(line_art, find_regions(line_art), entries)


def test_pieces_cover_the_paper_and_keep_within_regions() -> None:
    regions = find_regions(drawing())
    pieces = find_pieces(drawing(), regions)
    assert np.array_equal(pieces.labels >= 0, ~regions.is_line)
    for number in range(len(pieces)):
        assert set(regions.labels[pieces.labels == number]) == {pieces.regions[number]}
    assert np.array_equal(pieces.areas, np.bincount(pieces.labels[pieces.labels >= 0]))


def test_large_regions_are_cut_and_small_ones_are_not() -> None:
    pieces = pieces_of(drawing())
    small, large, sky = pieces.labels[60, 250], pieces.labels[90, 90], pieces.labels[5, 5]
    count = np.bincount(pieces.regions)
    assert count[pieces.regions[small]] == 1
    assert count[pieces.regions[large]] >= 15 and count[pieces.regions[sky]] >= 25
    assert pieces.areas.max() < 2.5 * CELL**2, "a square, and slivers beside it"


def test_the_grid_is_finer_where_a_line_dangles() -> None:
    line_art = paper()
    line_art[64:96, 150] = 0
    cut = pieces_of(line_art)
    assert cut.areas[cut.labels[80, 147]] <= (CELL / 4) ** 2
    assert cut.areas[cut.labels[20, 40]] == CELL**2
    closed = pieces_of(drawing())
    assert closed.areas[closed.labels[90, 22]] > (CELL / 2) ** 2, "a line that parts two regions does not dangle"


def test_a_painted_drawing_is_cut_where_its_entries_change() -> None:
    entries = np.zeros(paper().shape, np.uint8)
    entries[:, 200:] = 1
    pieces = pieces_of(paper(), entries)
    for number in range(len(pieces)):
        assert len(set(entries[pieces.labels == number])) == 1


def test_shares_say_which_squares_lie_under_a_piece() -> None:
    pieces = pieces_of(drawing())
    for shares, stride in ((pieces.fine, STRIDE), (pieces.coarse, 2 * STRIDE)):
        assert (np.diff(shares[:, 0]) >= 0).all()
        assert np.array_equal(np.bincount(shares[:, 0], shares[:, 2]), pieces.areas)
        piece, square, pixels = shares[len(shares) // 2]
        columns = -(-320 // stride)
        top, left = square // columns * stride, square % columns * stride
        assert (pieces.labels[top : top + stride, left : left + stride] == piece).sum() == pixels


def test_a_view_shows_the_lines_around_a_piece_and_its_region() -> None:
    pieces = pieces_of(drawing())
    small = pieces.labels[60, 250]
    close, wide, _, mask = pieces.views[small].astype(int)
    assert close[6, 6] == 0 and close.max() > 100, "paper in the middle, the circle's line around it"
    assert wide[:2].max() == 0 and wide[4:8, 4:8].max() > 50, "the circle is small in a wide view"
    assert mask[5:7, 5:7].min() == 255 and mask[0, 0] == 0


@pytest.mark.parametrize("level", [0, 255])
def test_a_drawing_without_lines_or_without_paper(level: int) -> None:
    pieces = pieces_of(np.full((90, 130), level, np.uint8))
    assert (len(pieces) > 3) == (level == 255)
    assert np.isfinite(pieces.geometry).all() and len(pieces.views) == len(pieces)
