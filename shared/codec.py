# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts messages to plain JSON values and back.

Every message is a frozen dataclass that validates itself when it is built, so an existing message is always valid.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal, TypeVar

from .protocol import require, shown

MAX_DIGITS = 30
"""The most digits of a number. Python refuses to print numbers with thousands of digits."""

Message = TypeVar("Message")


def to_json(message: Any) -> dict[str, Any]:
    """Convert a message to values that `json.dumps` can write."""
    return dataclasses.asdict(message)


def from_json(kind: type[Message], value: Any, field: str = "") -> Message:
    """Build a message of `kind` from decoded JSON.

    Unknown fields are ignored, so that a newer client or server may add fields. Raises ProtocolError, which names the
    field, if one is missing or has the wrong type.
    """
    where = field or kind.__name__
    require(isinstance(value, dict), "bad_type", where, f"{where} must be an object.")
    hints = typing.get_type_hints(kind)
    arguments: dict[str, Any] = {}
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        path = f"{field}.{item.name}" if field else item.name
        if item.name in value:
            arguments[item.name] = _convert(hints[item.name], value[item.name], path)
        else:
            require(item.default is not dataclasses.MISSING, "missing_field", path, f"{path} is missing.")
    return kind(**arguments)


def _convert(hint: Any, value: Any, path: str) -> Any:
    """Check `value` against a type hint. Lists become tuples, and objects become messages."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _convert(next(arm for arm in typing.get_args(hint) if arm is not type(None)), value, path)
    if origin is Literal:
        require(
            value in typing.get_args(hint),
            "bad_value",
            path,
            f"{path} must be one of {', '.join(map(repr, typing.get_args(hint)))}, not {shown(value)}.",
        )
        return value
    if origin is tuple:
        require(isinstance(value, (list, tuple)), "bad_type", path, f"{path} must be a list.")
        return tuple(_convert(typing.get_args(hint)[0], item, f"{path}.{i}") for i, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast(type, hint), value, path)
    accepted = (int, float) if hint is float else (hint,)
    require(
        isinstance(value, accepted) and not (isinstance(value, bool) and hint is not bool),
        "bad_type",
        path,
        f"{path} must be of type {hint.__name__}, not {'null' if value is None else type(value).__name__}.",
    )
    require(
        not isinstance(value, int) or abs(value) < 10**MAX_DIGITS,
        "bad_number",
        path,
        f"{path} must be a number of at most {MAX_DIGITS} digits.",
    )
    return value
