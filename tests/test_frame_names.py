# SPDX-License-Identifier: GPL-3.0-or-later
"""The number that varies from file to file is the frame. Where that is not clear, nothing is guessed."""

from __future__ import annotations

import pytest

from shared.frame_names import Numbering, UnclearFrame, describe_gaps


@pytest.mark.parametrize(
    ("stems", "frames"),
    [
        (["0001", "0002", "0010"], (1, 2, 10)),
        (["walk_1", "walk_2", "walk_10"], (1, 2, 10)),
        (["sc01_0001_lines_v2", "sc01_0002_lines_v2"], (1, 2)),
        (["sc01_0001_v1", "sc01_0002_v3", "sc01_0003_v1"], (1, 2, 3)),
        (["0001_02", "0002_02"], (1, 2)),
        (["shot0001", "shot0002"], (1, 2)),
        (["v1", "v2", "v3"], (1, 2, 3)),
        (["cut3_001", "cut4_002"], (1, 2)),
        (["a_1_7", "a_2_7", "a_3_8"], (1, 2, 3)),
        (["a_0001_0001", "a_0002_0002"], (1, 2)),
        (["-002", "-001", "0000", "0001"], (-2, -1, 0, 1)),
        (["-002", "-001"], (-2, -1)),
        (["walk_-001", "walk_0000"], (-1, 0)),
        (["walk.-12", "walk.-11"], (-12, -11)),
        (["walk-001", "walk0000", "walk0001"], (-1, 0, 1)),
        (["walk-001", "walk-002"], (1, 2)),
        (["2026-05-01_3", "2026-05-01_4"], (3, 4)),
        (["walk2_1", "walk2_2", "walk2_3_fixed"], (1, 2, 3)),
        (["sc04_0007_v2"], (7,)),
    ],
)
def test_the_number_that_varies_is_the_frame(stems: list[str], frames: tuple[int, ...]) -> None:
    assert Numbering.of(stems).frames == frames


@pytest.mark.parametrize(
    ("stems", "numbers"),
    [
        (["a_1_11", "a_2_12"], (1, 11)),
        (["a_1_1", "a_1_2", "a_2_1"], (1,)),
        (["title"], ()),
        (["a_1", "a_2", "title"], ()),
        (["sc04"], (4,)),
        (["a_1_2"], (1, 2)),
    ],
)
def test_what_is_not_clear_is_not_guessed(stems: list[str], numbers: tuple[int, ...]) -> None:
    with pytest.raises(UnclearFrame) as caught:
        Numbering.of(stems)
    assert caught.value.numbers == numbers


def test_versions_of_one_frame_are_one_frame() -> None:
    assert Numbering.of(["walk_0005_v1", "walk_0005_v2"]).frames == (5, 5)


def test_the_frame_can_be_told() -> None:
    assert Numbering.of(["a_1_11", "a_2_12"], 1).frames == (1, 2)
    assert Numbering.of(["a_1_11", "a_2_12"], -1).frames == (11, 12)


@pytest.mark.parametrize(
    ("stem", "frame"),
    [
        ("walk_0005_paint_v2", 5),
        ("walk_v2_0005_paint", 5),
        ("paint v02 0005", 5),
        ("0005", 5),
        ("sc01_0005_paint_v2", 5),
        ("sc01 0005", 5),
        ("walk_0005_20260312", 5),
        ("-005", -5),
        ("key_0012", 12),
    ],
)
def test_a_painting_is_of_the_frame_that_its_name_says(stem: str, frame: int) -> None:
    assert Numbering.of([f"{number:04}" for number in range(1, 9)]).frame_of(stem) == frame


@pytest.mark.parametrize(
    ("stem", "numbers"),
    [
        ("walk_0005_paint_02", (5, 2)),
        ("walk_5 (2)", (5, 2)),
        ("0005_final2", (5, 2)),
        ("paint_v2", (2,)),
        ("sc04_key", (4,)),
        ("a_20_30", (20, 30)),
        ("painted", ()),
    ],
)
def test_a_painting_whose_frame_is_not_clear_is_not_guessed(stem: str, numbers: tuple[int, ...]) -> None:
    with pytest.raises(UnclearFrame) as caught:
        Numbering.of([f"{number:04}" for number in range(1, 9)]).frame_of(stem)
    assert caught.value.numbers == numbers


def test_numbers_that_the_sequence_shares_are_not_a_paintings_frame() -> None:
    numbering = Numbering.of(["walk2_3_0001_lines", "walk2_3_0002_lines"])
    assert numbering.frame_of("walk2_3_0002_paint") == 2
    assert numbering.frame_of("walk2_3_0001_lines") == 1


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        ([1, 2, 3], ""),
        ([7], ""),
        ([1, 2, 4], "The line art has no frame 3."),
        ([-2, 2], "The line art has no frames -1 to 1."),
        ([1, 3, 4, 8], "The line art has no frames 2 and 5 to 7."),
        ([1, 3, 5, 7], "The numbers of the line art go from 1 to 7 in steps of 2."),
        (range(0, 41, 4), "The numbers of the line art go from 0 to 40 in steps of 4."),
        ([*range(0, 41, 4), 41], "The line art has no frames 1 to 3, 5 to 7, 9 to 11, 13 to 15, 17 to 19, 21 to 23, "
         "25 to 27, 29 to 31 and 2 more gaps."),
    ],
)  # fmt: skip
def test_gaps_are_named(frames: list[int], sentence: str) -> None:
    assert describe_gaps(frames) == sentence
