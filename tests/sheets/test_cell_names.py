# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of cels are found by their names, however a program pads, separates and prefixes them."""

from pathlib import Path

import pytest

from shared.cell_names import cel_of, pictures_of
from shared.errors import SheetError
from shared.exposure_sheet import Column


def column(*cells: str, name: str = "A") -> Column:
    return Column(name, cells)


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        ("1 2 3a", "A", {"1": "1", "2": "2", "3a": "3a"}),
        ("0001 0002 0003a", "A", {"1": "0001", "2": "0002", "3a": "0003a"}),
        ("A_0001 a-2 A3A B_0001", "A", {"1": "A_0001", "2": "a-2", "3a": "A3A"}),
        ("A1_1 A1_2 A1_11 A1_12", "A1", {"1": "A1_1", "2": "A1_2"}),
        ("sc2_A_0001 sc2_A_0002 sc2_B_0001", "A", {"1": "sc2_A_0001", "2": "sc2_A_0002"}),
        ("walk_0001 walk_0002 walk_0003 walk_0003a", "A", {"1": "walk_0001", "3": "walk_0003", "3a": "walk_0003a"}),
        ("sc01_0001_v2 sc01_0002_v2", "A", {"1": "sc01_0001_v2", "2": "sc01_0002_v2"}),
        ("1 01", "A", {"1": "1", "01": "01"}),
        ("動画_1 動画_2", "動画", {"1": "動画_1"}),
    ],
)
def test_a_cel_is_found_by_its_name(names: str, name: str, expected: dict[str, str]) -> None:
    found = pictures_of(column(*expected, name=name), [Path(f"{stem}.png") for stem in names.split()])
    assert {cel: path.stem for cel, path in found.items()} == expected


def test_a_cel_without_a_picture_or_with_several_is_named() -> None:
    paths = [Path(f"A_{number}.png") for number in (1, 2)]
    with pytest.raises(SheetError, match=r"no picture of 2 cels of column 'A' \(3, 4\).*such as 'A_3'"):
        pictures_of(column("1", "3", "4"), paths)
    many = column(*(str(number) for number in range(1, 30)))
    with pytest.raises(SheetError, match=r"27 cels of column 'A' \(3, 4, 5, 6, 7, 8, 9, 10 …\)"):
        pictures_of(many, paths)
    with pytest.raises(SheetError, match=r"The cel '1' of column 'A' may be A_1\.png or A_01\.png: rename"):
        pictures_of(column("1"), [*paths, Path("A_01.png")])
    with pytest.raises(SheetError, match=r"\(9{40}\)"):  # longer than the numbers that Python reads
        pictures_of(column("9" * 6000), paths)


@pytest.mark.parametrize(
    ("painting", "cel"),
    [
        ("A_0003", "3"),
        ("3", "3"),
        ("0012", "12"),
        ("3a", "3a"),
        ("a3", "3"),
        ("A_0012_painted_v3", "12"),
        ("painted_12", "12"),
        ("painted", ""),
        ("4", ""),
    ],
)
def test_the_cel_of_a_painting_is_in_its_name(painting: str, cel: str) -> None:
    sheet = column("3", "3a", "12")
    pictures = pictures_of(sheet, [Path(f"A_{name}.png") for name in ("0003", "0003a", "0012")])
    assert cel_of(painting, sheet, pictures) == cel
