# SPDX-License-Identifier: GPL-3.0-or-later
"""What the animator has to know until it is dismissed. Knows nothing of Blender."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """A sentence, and what would help, as in errors.ServerError. good: nothing is wrong."""

    sentence: str
    remedy: str = ""
    good: bool = False


notices: list[Notice] = []
"""The oldest first."""


def show(sentence: str, remedy: str = "", good: bool = False) -> None:
    """Show a sentence until it is dismissed; one that is shown already comes last."""
    notice = Notice(sentence, remedy, good)
    notices[:] = [*(one for one in notices if one != notice), notice]


def withdraw(sentence: str) -> None:
    """Take a sentence away that no longer holds."""
    notices[:] = [one for one in notices if one.sentence != sentence]


def dismiss(index: int) -> None:
    """Take a sentence away."""
    del notices[index]
