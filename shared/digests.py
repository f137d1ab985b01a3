# SPDX-License-Identifier: GPL-3.0-or-later
"""Content addresses: a blob is named by the SHA-256 of its bytes."""

import hashlib
import re

ADDRESS_PATTERN = "[0-9a-f]{64}"
"""A regular expression for a content address."""

_ADDRESS = re.compile(ADDRESS_PATTERN)


def address_of(content: bytes) -> str:
    """Return the content address (64 lower-case hexadecimal digits) of `content`."""
    return hashlib.sha256(content).hexdigest()


def is_address(text: object) -> bool:
    """Return whether `text` has the form of a content address."""
    return isinstance(text, str) and _ADDRESS.fullmatch(text) is not None
