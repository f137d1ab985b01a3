# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the answers of a healthy server: what they may contain, and what they may not."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.http.problems import MEDIA_TYPE

TRACE = b"Traceback (most recent call last)"
TRACES = (TRACE, b'.py", line ', b"site-packages")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status, its header as it came, its body, and the media type that it claims."""

    status: int
    header: bytes
    body: bytes
    media_type: str


def leaks(text: bytes, secrets: Mapping[str, str]) -> list[str]:
    """Return what a text reveals that no client may know."""
    found = [shown for secret, shown in secrets.items() if secret.encode() in text]
    return [f"{one} leaks" for one in found + ["a trace"] * any(trace in text for trace in TRACES)]


def faults(
    answer: Answer, secrets: Mapping[str, str], *, has_body: bool = True, is_page: bool = False
) -> Iterable[str]:
    """Yield what is wrong with an answer. has_body: false after HEAD. is_page: whether it may be a page for people."""
    yield from leaks(answer.header, secrets)
    yield from leaks(answer.body, secrets)
    if answer.status >= 500:
        yield f"answered {answer.status}"
    if answer.status >= 400 and has_body and not (is_page and answer.media_type == "text/html"):
        if answer.media_type != MEDIA_TYPE:
            yield f"{answer.status} came as {answer.media_type or 'nothing'}, not as a problem"
            return
        try:
            problem = json.loads(answer.body)
        except ValueError:
            yield f"{answer.status} came as a problem that is no JSON"
            return
        if problem.get("status") != answer.status:
            yield f"{answer.status} calls itself {problem.get('status')}"
        if not all(isinstance(problem.get(key), str) and problem[key] for key in ("code", "title")):
            yield f"{answer.status} has no code or no title"
