# SPDX-License-Identifier: GPL-3.0-or-later
"""Palettes: names are their own, and colors of one look can be told apart."""

import pytest

from shared.codec import from_json, to_json
from shared.palette import MOST_SWATCHES, Palette, Swatch, apart, named
from shared.protocol import ProtocolError


def test_a_palette_survives_json() -> None:
    palette = Palette((Swatch("Hair", "#102030"), Swatch("Hair, shadow", "#102030")))
    assert from_json(Palette, to_json(palette)) == palette
    assert palette.by_name["Hair"].rgb == (16, 32, 48)


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        ({"swatches": []}, "swatches", "1 to 1024 colors, not 0"),
        ({"swatches": [{"name": "a", "color": "#fff"}]}, "color", "'#fff'"),
        ({"swatches": [{"name": "a", "color": "#FFFFFF"}]}, "color", "lower-case"),
        ({"swatches": [{"name": " a", "color": "#ffffff"}]}, "name", "' a'"),
        ({"swatches": [{"name": "", "color": "#ffffff"}]}, "name", "''"),
        ({"swatches": [{"name": "a\nb", "color": "#ffffff"}]}, "name", "one line"),
        ({"swatches": [{"name": "a\ud800", "color": "#ffffff"}]}, "name", "one line"),
        ({"swatches": [{"name": "a", "color": "#ffffff"}] * 2}, "swatches.1.name", "'a'"),
        ({"swatches": [{"name": "a" * 101, "color": "#ffffff"}]}, "name", "1 to 100 characters"),
    ],
)
def test_what_is_wrong_is_named(value: object, field: str, words: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        from_json(Palette, value)
    assert caught.value.field == field and words in caught.value.sentence


def test_names_are_made_usable_and_their_own() -> None:
    black = (0, 0, 0)
    palette = named([("Skin", black), (" Skin\t", black), ("Skin 2", black), ("", black), ("x" * 200, black)])
    assert [swatch.name for swatch in palette.swatches] == ["Skin", "Skin 2", "Skin 2 2", "#000000", "x" * 100]


def test_entries_of_one_color_are_told_apart_by_what_nobody_sees() -> None:
    asked = (Swatch("Hair", "#ff0000"), Swatch("Bow", "#ff0000"), Swatch("Lips", "#ff0001"), Swatch("Shoe", "#ff0000"))
    told = apart(asked)
    assert [swatch.name for swatch in told] == [swatch.name for swatch in asked]
    assert told[0] == asked[0] and told[2] == asked[2], "a color that is its own stays"
    assert len({swatch.color for swatch in told}) == 4
    for old, new in zip(asked, told, strict=True):
        assert max(abs(one - other) for one, other in zip(old.rgb, new.rgb, strict=True)) <= 2
    assert apart(told) == told
    assert apart([Swatch("a", "#000000"), Swatch("b", "#000000")], ["#000001"])[1].color == "#010000"


@pytest.mark.parametrize("color", ["#000000", "#ffffff", "#7f7f7f"])
def test_a_full_palette_of_one_color_is_told_apart(color: str) -> None:
    told = apart(Swatch(f"Color {number}", color) for number in range(MOST_SWATCHES))
    assert len({swatch.color for swatch in told}) == MOST_SWATCHES
