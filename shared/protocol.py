# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the protocol, the address of the API, and the form of an error."""

import reprlib
from dataclasses import dataclass

PROTOCOL_VERSION = 1
API_PREFIX = "/api/v1"

_SHORT = reprlib.Repr()
_SHORT.maxstring = 100


@dataclass(frozen=True)
class Problem:
    """An error, as application/problem+json (RFC 9457).

    code: stable name for programs; title: a sentence for people that says what to do; field: the field that caused the
    error, if it is one field; missing: addresses of absent blobs.
    """

    status: int
    code: str
    title: str
    field: str | None = None
    missing: tuple[str, ...] = ()


class ProtocolError(ValueError):
    """A message is invalid.

    code: a stable name for programs; field: the dotted path of the invalid field.
    """

    def __init__(self, code: str, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.field = field
        self.sentence = sentence


def require(condition: bool, code: str, field: str, sentence: str) -> None:
    """Raise ProtocolError unless `condition` holds."""
    if not condition:
        raise ProtocolError(code, field, sentence)


def shown(value: object) -> str:
    """Shorten an invalid value for a message, however long or deep it is."""
    return _SHORT.repr(value)
