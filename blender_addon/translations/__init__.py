# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in the animator's language (Blender API, bpy.app.translations).

There is one file per language, with Blender's name for it: a JSON object of English texts and their translations.
"""

from __future__ import annotations

import json
from pathlib import Path

import bpy

from ..shared.translatable_text import TranslatableText

_FOLDER = Path(__file__).parent
_CONTEXTS = ("*", "Operator")
"""Where Blender looks up a text: labels of operators have a separate context."""


def translated(text: str) -> str:
    """Translate a text to the language of Blender's interface; an unknown text stays English.

    Of a sentence's values, only those that are sentences are translated. The others are names, numbers and texts from
    outside the extension.
    """
    look_up = bpy.app.translations.pgettext_rpt
    if isinstance(text, TranslatableText):
        values = {
            name: translated(value) if isinstance(value, TranslatableText) else value
            for name, value in text.values.items()
        }
        return look_up(text.template).format(**values)
    return look_up(text)


def languages() -> dict[str, dict[str, str]]:
    """All translations, by language and by English text."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(_FOLDER.glob("*.json"))}


def register() -> None:
    """Register the translations with Blender."""
    known = {
        language: {(context, english): text for english, text in texts.items() for context in _CONTEXTS}
        for language, texts in languages().items()
    }
    bpy.app.translations.register(__package__, known)


def unregister() -> None:
    """Unregister the translations."""
    bpy.app.translations.unregister(__package__)
