# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs for people at a terminal and for machines that collect them: the ids that lines include, and the secrets that
they never include."""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Any, TextIO

ACCESS = "server.access"
"""The logger with one line per request."""
TALKATIVE = ("dbos", "alembic", "botocore", "aiobotocore", "s3fs", "fsspec", "PIL")
"""Libraries that log only warnings and errors. At lower levels they log headers with signatures, or every chunk."""

_ids: ContextVar[Mapping[str, str | int]] = ContextVar("ids", default=MappingProxyType({}))
_own: dict[str, str] = {}  # ids of the whole process
_USUAL = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "ids"}
_SECRETS = (
    (re.compile(r"(://[^\s:/@]*:)[^\s/]+@"), r"\1***@"),  # the password of an address
    (re.compile(r"(\bBearer +|authorization['\"]?\s*[=:]\s*['\"]?\w+ +)[^\s'\",]+", re.IGNORECASE), r"\1***"),
    (re.compile(r"((?:secret\w*|password|token|session)['\"]?\s*[=:]\s*['\"]?)[^\s'\",)}]+", re.IGNORECASE), r"\1***"),
)


@contextmanager
def context(**ids: str | int) -> Iterator[None]:
    """Add `ids`, such as job, segment and request, to every line that this thread logs within the block."""
    before = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(before)


def identify(**ids: str) -> None:
    """Add `ids`, such as the worker's name, to every line of this process."""
    _own.update(ids)


def redact(text: str) -> str:
    """Return `text` with passwords, tokens and secrets replaced by ***."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def handler(style: str, stream: TextIO) -> logging.Handler:
    """Return a handler that writes log lines to `stream`. style: one of LOG_FORMATS of `server.config`."""
    writer = logging.StreamHandler(stream)
    writer.addFilter(_add_ids)
    writer.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    return writer


def configure(style: str, level: str) -> None:
    """Send all logs to standard error from now on, including those of libraries that install their own handlers.

    style: one of LOG_FORMATS of `server.config`; level: one of its LOG_LEVELS.
    """
    logging.basicConfig(level=level.upper(), handlers=[handler(style, sys.stderr)], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns about every request that has to wait
    logging.getLogger("dbos").addHandler(logging.NullHandler())  # otherwise it installs its own
    # On a terminal, a line for every request would hide the others.
    quiet = style == "text" and level != "debug"
    logging.getLogger(ACCESS).setLevel(logging.WARNING if quiet else logging.NOTSET)
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and any(map(_is_terminal, logger.handlers)):
            logger.handlers = [one for one in logger.handlers if not _is_terminal(one)]
            logger.propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _log_end
    threading.excepthook = lambda end: _log_end(end.exc_type, end.exc_value, end.exc_traceback)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (ISO 8601, UTC), level, logger, message, the ids, and the extra fields of the
    record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **getattr(record, "ids", {}),
            **{name: value for name, value in vars(record).items() if name not in _USUAL},
        }
        if record.exc_info:
            line["exception"] = redact("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """A line for people, with the ids at the end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without a traceback, which `format` adds."""
        ids = "".join(f" {name}={value}" for name, value in getattr(record, "ids", {}).items())
        return super().formatMessage(record) + (f" [{ids.strip()}]" if ids else "")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for a record, with the traceback of its error."""
        return redact(super().format(record))


def _add_ids(record: logging.LogRecord) -> bool:
    record.ids = {**_own, **_ids.get()}
    return True


def _is_terminal(one: logging.Handler) -> bool:
    return isinstance(one, logging.StreamHandler) and not isinstance(one, logging.FileHandler)


def _log_end(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, SystemExit):
        logging.getLogger("server").critical("Stopping because of an error: %s", error, exc_info=(kind, error, trace))
