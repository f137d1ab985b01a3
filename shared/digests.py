# SPDX-License-Identifier: GPL-3.0-or-later
"""Content addresses: a blob is named by the SHA-256 of its bytes."""

import hashlib
import re

_ADDRESS = re.compile(r"[0-9a-f]{64}")


def address_of(content: bytes) -> str:
    """Return the content address (64 lower-case hexadecimal digits) of `content`."""
    return hashlib.sha256(content).hexdigest()


def is_address(text: object) -> bool:
    """Tell whether `text` is written as a content address."""
    return isinstance(text, str) and _ADDRESS.fullmatch(text) is not None
