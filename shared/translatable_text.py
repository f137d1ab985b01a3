# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that are made far from the interface, and can still be translated when they are shown."""

from __future__ import annotations

from typing import Any


class TranslatableText(str):
    """An English text that keeps its template and its values.

    template: the text with names in braces, which is what translators see. values: the values of these names.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> TranslatableText:
        """Fill the template. Raises KeyError when a value is missing."""
        text = super().__new__(cls, template.format(**values))
        text.template, text.values = template, values
        return text

    def __str__(self) -> TranslatableText:
        """Return the text itself, so that `str(error)` of an error raised with one can still be translated."""
        return self
