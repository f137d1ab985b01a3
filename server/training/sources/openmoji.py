# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenMoji: about 1,500 drawn emoji, CC BY-SA 4.0 (https://openmoji.org). Only for training: the project includes
none of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from server.training.sources.drawing import Drawing
from server.training.sources.picture_drawing import prepare_drawing
from server.training.sources.svg import read_svg

PACKAGES = ("openmoji@17.0.0",)

_GROUPS = {
    *("activities", "animals-nature", "food-drink", "objects", "people-body", "smileys-emotion", "travel-places"),
    "extras-openmoji",
}
_LEFT_OUT = {"brand", "flags", "interaction", "queer-symbols", "symbol-other", "symbols", "ui-element"}
_WHO = {"man", "men", "woman", "women", "person", "people", "boy", "girl", "child", "old", "older", "with", "in", "and"}


def read_openmoji(modules: Path) -> Iterator[Drawing]:
    """Prepare the emoji of the package in `modules`, in one skin tone only."""
    folder = modules / "openmoji"
    for entry in json.loads((folder / "data" / "openmoji.json").read_text(encoding="utf-8")):
        if entry["skintone"] or entry["group"] not in _GROUPS or entry["subgroups"] in _LEFT_OUT:
            continue
        code, words = entry["hexcode"], entry["annotation"].split(":")[0]
        file = folder / "color" / "svg" / f"{code}.svg"
        parts = read_svg(file.read_text(encoding="utf-8"), str(file))
        role = " ".join(word for word in words.split() if word not in _WHO)  # a man, a woman and a person cooking
        if drawing := prepare_drawing(parts, name=code, family=f"{role}/{code}", words=words):
            yield drawing
