# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages to the animator that stay until they are dismissed or no longer true. Does not use Blender."""

from __future__ import annotations

from dataclasses import dataclass

from .shared.errors import ServerError

CONNECTION = "connection"
"""The subject of what is wrong with the connection to a server."""

EXPORT = "export"
"""The subject of what prevents a shot from being sent."""


@dataclass(frozen=True)
class Notice:
    """A sentence and its remedy, as in errors.ServerError. good: nothing is wrong. subject: what it is about, or ""."""

    sentence: str
    remedy: str = ""
    good: bool = False
    subject: str = ""


notices: list[Notice] = []
"""The oldest first."""


def show(sentence: str, remedy: str = "", good: bool = False, subject: str = "") -> None:
    """Show a sentence until it is dismissed. It replaces the same sentence, and what was said about its subject."""
    kept = [one for one in notices if one.sentence != sentence and (not subject or one.subject != subject)]
    notices[:] = [*kept, Notice(sentence, remedy, good, subject)]


def show_error(error: Exception) -> None:
    """Show an error with its remedy until what it is about is right again."""
    remedy = getattr(error, "remedy", "")
    show(str(error), remedy, subject=CONNECTION if isinstance(error, ServerError) else EXPORT)


def shows(sentence: str) -> bool:
    """Tell whether a sentence is shown."""
    return any(one.sentence == sentence for one in notices)


def settle(subject: str) -> bool:
    """Remove what was wrong with a subject, because it is right again. Return whether anything was."""
    wrong = [one for one in notices if one.subject == subject and not one.good]
    notices[:] = [one for one in notices if one not in wrong]
    return bool(wrong)


def withdraw(sentence: str) -> None:
    """Remove a sentence that no longer applies."""
    notices[:] = [one for one in notices if one.sentence != sentence]


def dismiss(index: int) -> None:
    """Remove a sentence."""
    del notices[index]
