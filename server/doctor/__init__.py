# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server doctor`: looks at this machine and at a server's settings, and says what to do. It changes nothing;
where the blobs lie it writes one object and removes it again."""

import json
import sys
from collections.abc import Iterator

from rich.console import Console

from server.config import Config

from .finding import Finding, as_json, fault, print_finding
from .versions import INSTALL, check_versions


def examine(config: Config) -> Iterator[Finding]:
    """Yield what each check finds, one after the other."""
    yield from check_versions()
    try:
        from .checks import check_rest  # brings most of the packages
    except (ImportError, OSError) as error:
        yield fault("Packages", f"one cannot be loaded, so the other checks are left out: {error}", INSTALL)
    else:
        yield from check_rest(config)


def run(config: Config, for_machines: bool) -> int:
    """Write what is found, as it is found, or as one JSON list; return 1 when something is a fault, else 0."""
    console = Console(file=sys.stdout, highlight=False)
    findings = []
    for finding in examine(config):
        findings.append(finding)
        if not for_machines:
            print_finding(finding, console)
    if for_machines:
        sys.stdout.write(json.dumps(as_json(findings), ensure_ascii=False, indent=2) + "\n")
    return int(any(finding.state == "fault" for finding in findings))
