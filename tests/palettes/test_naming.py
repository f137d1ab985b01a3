# SPDX-License-Identifier: GPL-3.0-or-later
"""A palette names colors of a take and changes those that it knows by name; no two colors become one."""

from collections.abc import Callable
from types import ModuleType

import pytest

from shared.palette import Palette, Swatch

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def naming(addon: Callable[[str], ModuleType]) -> ModuleType:
    return addon("takes.naming")


def palette(**colors: str) -> Palette:
    return Palette(tuple(Swatch(name, color) for name, color in colors.items()))


def test_names_come_from_equal_colors_and_colors_from_equal_names(naming: ModuleType) -> None:
    found = naming.match(
        [("", RED), ("Sky", BLUE), ("Hat", RED)], palette(Hair="#ff0000", Sky="#000011", Moon="#ffffff")
    )
    assert (found.names, found.changes, found.left) == ({0: "Hair"}, {1: (0, 0, 17)}, ("Moon",))


def test_two_entries_of_one_color_name_the_colors_that_tell_them_apart(naming: ModuleType) -> None:
    show = palette(Bow="#ff0000", Lips="#ff0000", Shoe="#ff0000")
    paints = [("", (255, 0, 1)), ("", RED), ("", BLUE)]
    assert naming.match(paints, show).names == {0: "Lips", 1: "Bow"}
    assert naming.match([("Bow", RED), *paints[:1]], show).names == {1: "Lips"}
    assert naming.match(paints, show).left == ("Shoe",)


def test_a_color_is_not_named_twice_and_a_used_name_is_not_given(naming: ModuleType) -> None:
    show = palette(Bow="#ff0000")
    assert naming.match([("Bow", BLUE), ("", RED)], show).names == {}, "the name is another color's already"
    assert naming.match([("Bow", BLUE), ("", RED)], show).changes == {0: RED}


def test_colors_that_become_one_are_told_apart_and_those_that_stay_keep_theirs(naming: ModuleType) -> None:
    assert naming.told_apart({RED: RED, BLUE: BLUE}) == {}
    assert naming.told_apart({RED: BLUE, BLUE: RED}) == {RED: BLUE, BLUE: RED}
    assert naming.told_apart({RED: BLUE, BLUE: BLUE}) == {RED: (0, 0, 254)}
    night = naming.told_apart({RED: (9, 9, 9), BLUE: (9, 9, 9)})
    assert night == {RED: (9, 9, 9), BLUE: (9, 9, 8)}
