# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages to the animator that stay until they are dismissed. Does not use Blender."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """A sentence and its remedy, as in errors.ServerError. good: nothing is wrong."""

    sentence: str
    remedy: str = ""
    good: bool = False


notices: list[Notice] = []
"""The oldest first."""


def show(sentence: str, remedy: str = "", good: bool = False) -> None:
    """Show a sentence until it is dismissed; one that is already shown moves to the end."""
    notice = Notice(sentence, remedy, good)
    notices[:] = [*(one for one in notices if one != notice), notice]


def withdraw(sentence: str) -> None:
    """Remove a sentence that no longer applies."""
    notices[:] = [one for one in notices if one.sentence != sentence]


def dismiss(index: int) -> None:
    """Remove a sentence."""
    del notices[index]
