# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings are parted by the owners of their fills and lines, and are whole again over each other."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

Addon = Callable[[str], ModuleType]

SIZE = 60, 80
SKY, SKIN, SHIRT = (90, 160, 240), (250, 210, 180), (200, 30, 60)


class Drawing:
    """Boxes with black outlines of two pixels, each drawn over the ones before."""

    def __init__(self) -> None:
        self.fills = np.full((*SIZE, 3), SKY, np.uint8)
        self.line_art = np.full(SIZE, 255, np.uint8)
        self.own_lines, self.own_fills = (np.zeros(SIZE, np.int32) for _ in range(2))

    def box(self, owner: int, top: int, left: int, size: int, color: tuple[int, int, int], is_filled: bool) -> None:
        """A box whose color ends in the middle of its outline; unless it is filled, its owner has only the line."""
        inner = slice(top + 1, top + size - 1), slice(left + 1, left + size - 1)
        outer = np.zeros(SIZE, bool)
        outer[top : top + size, left : left + size] = True
        outer[top + 2 : top + size - 2, left + 2 : left + size - 2] = False
        self.fills[inner] = color
        self.line_art[inner], self.own_lines[inner] = 255, 0
        if is_filled:
            self.own_fills[inner] = owner
        self.line_art[outer], self.own_lines[outer] = 0, owner

    def parted(self, addon: Addon, owners: int) -> list[np.ndarray]:
        """The layers, after it was seen that they are the drawing when they are laid over each other."""
        owned = addon("takes.ownership").Ownership(self.own_lines, self.own_fills)
        lines = np.zeros((*SIZE, 4), np.uint8)
        lines[..., 3] = 255 - self.line_art
        parts: list[np.ndarray] = addon("takes.parting").part(self.fills, lines, self.line_art, owned, owners, True)
        whole = Image.new("RGBA", SIZE[::-1])
        for picture in parts:
            whole = Image.alpha_composite(whole, Image.fromarray(picture))
        wanted = addon("compositing").lay_lines(self.fills, lines)
        assert np.abs(np.asarray(whole)[..., :3].astype(int) - wanted).max() <= 1
        assert (np.asarray(whole)[..., 3] == 255).all()
        return parts


@pytest.mark.parametrize("is_filled", [True, False])
def test_regions_and_lines_go_to_their_owners(addon: Addon, is_filled: bool) -> None:
    drawing = Drawing()
    drawing.box(1, 10, 10, 40, SHIRT, is_filled)
    drawing.box(2, 20, 20, 16, SKIN, is_filled)
    nobody, body, head = drawing.parted(addon, 2)
    assert nobody[0, 0].tolist() == [*SKY, 255] and not nobody[15, 15].any()
    assert body[15, 15].tolist() == [*SHIRT, 255] and not body[28, 28].any()
    assert head[28, 28].tolist() == [*SKIN, 255] and not head[15, 15].any()
    assert head[20, 28].tolist() == [0, 0, 0, 255] and body[20, 28].tolist() == [*SHIRT, 255], "the line is above"
    assert body[10, 30].tolist() == [0, 0, 0, 255] and nobody[10, 30].tolist() == [*SKY, 255]


def test_what_is_seen_through_a_filled_figure_is_not_its_own(addon: Addon) -> None:
    drawing = Drawing()
    drawing.box(1, 10, 10, 40, SHIRT, True)
    drawing.box(1, 22, 22, 14, SKY, True)
    drawing.own_fills[23:35, 23:35] = 0  # a hole
    nobody, figure = drawing.parted(addon, 1)
    assert nobody[28, 28].tolist() == [*SKY, 255] and not figure[28, 28].any()


def test_colors_part_a_region_that_leaks(addon: Addon) -> None:
    drawing = Drawing()
    drawing.box(1, 10, 10, 40, SHIRT, True)
    drawing.line_art[30:32, 10:12], drawing.own_lines[30:32, 10:12] = 255, 0  # a gap
    nobody, figure = drawing.parted(addon, 1)
    assert nobody[0, 0].tolist() == [*SKY, 255] and figure[28, 28].tolist() == [*SHIRT, 255]
    assert not nobody[28, 28].any() and not figure[0, 0].any()


def test_a_dark_fill_without_a_line_is_its_owners(addon: Addon) -> None:
    drawing = Drawing()
    drawing.box(1, 10, 10, 40, SHIRT, False)
    drawing.line_art[26:32, 26:32] = 0
    drawing.own_fills[26:32, 26:32] = 1
    _, figure = drawing.parted(addon, 1)
    assert figure[28, 28].tolist() == [0, 0, 0, 255]


def test_colors_of_owners_are_read_as_they_are_painted(addon: Addon) -> None:
    ownership = addon("takes.ownership")
    owners = 300
    pairs = [ownership.colors_of(owner) for owner in range(1, owners + 1)]
    assert len({color for pair in pairs for color in pair}) == 2 * owners
    picture = np.array([*pairs, ((255, 255, 255), (0, 0, 0))], np.uint8)
    for change in (-1, 0, 1):  # rounding
        near = np.clip(picture.astype(int) + change, 0, 255).astype(np.uint8)
        found = ownership.read_ownership(near, owners)
        assert found.lines[:-1, 0].tolist() == found.fills[:-1, 1].tolist() == list(range(1, owners + 1))
        assert not found.lines[:, 1].any() and not found.fills[:, 0].any() and not found.lines[-1].any()


def test_a_drawing_that_was_moved_is_told_from_the_same_one(addon: Addon) -> None:
    drawing = Drawing()
    drawing.box(1, 10, 10, 40, SHIRT, True)
    drawing.box(2, 20, 20, 16, SKIN, True)
    ownership, parting = addon("takes.ownership").Ownership, addon("takes.parting")
    same = ownership(drawing.own_lines, drawing.own_fills)
    assert parting.likeness(same, drawing.line_art) == 1.0
    moved = ownership(np.roll(drawing.own_lines, 6, 1), np.roll(drawing.own_fills, 6, 1))
    assert parting.likeness(moved, drawing.line_art) < 0.9


def test_names_of_layers_are_names_of_files(addon: Addon) -> None:
    names = addon("takes.layers").layer_names(["Girl", "girl", "../a:b", "Background", "妖精", ""])
    assert names == ["Background", "Girl", "girl 2", "___a_b", "Background 2", "妖精", "_"]
