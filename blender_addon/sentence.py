# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that are made far from the window, and can still be translated when they are shown."""

from __future__ import annotations

from typing import Any


class Sentence(str):
    """A sentence in English that keeps what it was made of.

    template: the text with names in braces, which is what translators see. values: what stands in the braces.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Sentence:
        """Fill the template. Raises KeyError when a value is missing."""
        sentence = super().__new__(cls, template.format(**values))
        sentence.template, sentence.values = template, values
        return sentence

    def __str__(self) -> Sentence:
        """Itself, so that `str(error)` of an error raised with a sentence can still be translated."""
        return self
