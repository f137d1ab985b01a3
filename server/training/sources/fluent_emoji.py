# SPDX-License-Identifier: GPL-3.0-or-later
"""Fluent Emoji by Microsoft, the flat ones: about 1,600 emoji without lines, MIT License
(https://github.com/microsoft/fluentui-emoji). Their lines are drawn where colors meet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from server.training.sources.drawing import Drawing
from server.training.sources.picture_drawing import prepare_drawing
from server.training.sources.svg import read_svg

PACKAGES = ("@iconify-json/fluent-emoji-flat@1.2.6",)

_CATEGORIES = (
    *("Activities", "Animals & Nature", "Food & Drink", "Objects"),
    *("People & Body", "Smileys & Emotion", "Travel & Places"),
)
_SKIN = re.compile(r"-(light|medium-light|medium|medium-dark|dark)$")
_WHO = re.compile(r"\b(man|men|woman|women|person|people|boy|girl)\b-?")


def read_fluent_emoji(modules: Path) -> Iterator[Drawing]:
    """Prepare the emoji of the package in `modules`, in one skin tone only."""
    folder = modules / "@iconify-json" / "fluent-emoji-flat"
    icons, metadata = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("icons", "metadata")
    )
    side = icons.get("width", 16)
    for category in _CATEGORIES:
        for name in metadata["categories"].get(category, ()):
            if _SKIN.search(name) or name not in icons["icons"]:
                continue
            body = icons["icons"][name]["body"]
            text = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">{body}</svg>'
            family = _WHO.sub("", name).strip("-") or name  # a man, a woman and a person cooking
            if drawing := prepare_drawing(read_svg(text, name), name, family, name.replace("-", " ")):
                yield drawing
