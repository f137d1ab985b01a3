# SPDX-License-Identifier: GPL-3.0-or-later
"""The finding of a check, and its output."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

State = Literal["ok", "warning", "fault"]
SIGNS: dict[State, tuple[str, str]] = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red")}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    check: what was checked. state: a server can work with a warning, but not with a fault. text: what was found.
    remedy: what to do about it; empty if all is well.
    """

    check: str
    state: State
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    """Report that all is well."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, remedy: str) -> Finding:
    """Report something that a server can do without, or that will go wrong later."""
    return Finding(check, "warning", text, remedy)


def fault(check: str, text: str, remedy: str) -> Finding:
    """Report something that prevents a server from working."""
    return Finding(check, "fault", text, remedy)


def print_finding(finding: Finding, console: Console) -> None:
    """Print a finding as a line with a symbol, and the remedy on the next line."""
    sign, color = SIGNS[finding.state]
    console.print(Text.assemble((f"{sign} ", color), (f"{finding.check}: ", "bold"), finding.text), soft_wrap=True)
    if finding.remedy:
        console.print(Text(f"    {finding.remedy}"), soft_wrap=True)


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as JSON values."""
    return [asdict(finding) for finding in findings]
