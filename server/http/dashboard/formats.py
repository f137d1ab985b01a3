# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard's formats for times and sizes."""

from datetime import UTC, datetime

from flask import Blueprint


def duration(seconds: float) -> str:
    """Format a time span: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def size(count: float) -> str:
    """Format a number of bytes: `3.2 GB`."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            break
        count, unit = count / 1000, {"bytes": "KB", "KB": "MB", "MB": "GB", "GB": "TB"}[unit]
    return f"{count:.0f} {unit}" if count >= 100 or unit == "bytes" else f"{count:.1f} {unit}"


def moment(seconds: float) -> str:
    """Format a time, in seconds since the epoch, for HTML's `datetime`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def register(blueprint: Blueprint) -> None:
    """Register these formats as template filters."""
    for text_format in (duration, size, moment):
        blueprint.add_app_template_filter(text_format)
