# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers for tests of the doctor's findings."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from server.doctor.finding import Finding


def the_one(findings: Iterable[Finding], state: str, check: str = "") -> Finding:
    """The one finding with a state about something. A finding about something wrong must have a remedy."""
    (found,) = (one for one in findings if one.state == state and one.check.startswith(check))
    assert bool(found.remedy) == (state != "ok")
    return found


def contents(folder: Path) -> dict[str, str]:
    """The files below a folder and their digests."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
