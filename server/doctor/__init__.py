# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server doctor`: checks this machine and a server's settings, and says what to do. It changes nothing,
except that it writes one object to the blob store and removes it again."""

import json
import sys
from collections.abc import Iterator

from rich.console import Console

from server.config import Config

from .finding import Finding, as_json, fault, print_finding
from .versions import INSTALL, check_versions


def examine(config: Config) -> Iterator[Finding]:
    """Yield the findings of all checks, one after the other."""
    yield from check_versions()
    try:
        from .checks import check_rest  # imports most of the packages
    except (ImportError, OSError) as error:
        yield fault("Packages", f"one cannot be loaded, so the other checks are skipped: {error}", INSTALL)
    else:
        yield from check_rest(config)


def run(config: Config, for_machines: bool) -> int:
    """Print each finding immediately, or all as one JSON list. Return 1 if any finding is a fault, else 0."""
    console = Console(file=sys.stdout, highlight=False)
    findings = []
    for finding in examine(config):
        findings.append(finding)
        if not for_machines:
            print_finding(finding, console)
    if for_machines:
        sys.stdout.write(json.dumps(as_json(findings), ensure_ascii=False, indent=2) + "\n")
    return int(any(finding.state == "fault" for finding in findings))
