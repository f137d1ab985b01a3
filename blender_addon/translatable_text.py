# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that are made far from the window, and can still be translated when they are shown."""

from __future__ import annotations

from typing import Any


class TranslatableText(str):
    """An English text that keeps what it was made of.

    template: the text with names in braces, which is what translators see. values: what stands in the braces.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> TranslatableText:
        """Fill the template. Raises KeyError when a value is missing."""
        text = super().__new__(cls, template.format(**values))
        text.template, text.values = template, values
        return text

    def __str__(self) -> TranslatableText:
        """Itself, so that `str(error)` of an error raised with one can still be translated."""
        return self
