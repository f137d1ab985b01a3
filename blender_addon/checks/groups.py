# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that say the same, together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from ..shared.checks.flaws import Severity
from ..shared.translatable_text import TranslatableText
from .findings import Finding


@dataclass(frozen=True)
class Group:
    """Findings that say the same, and where: `runs` are the first and the last frames of uninterrupted ranges.

    fits: the keyframe of the only frame can be fitted to its drawing.
    """

    severity: Severity
    sentence: TranslatableText
    runs: tuple[tuple[int, int], ...]
    fits: bool = False

    @property
    def names(self) -> list[str]:
        """The runs in words, such as "101–148", "160"."""
        return [str(first) if first == last else f"{first}–{last}" for first, last in self.runs]


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """The findings in groups, in the order of their first frames. What is counted in several is added up."""
    same: dict[Hashable, list[Finding]] = {}
    for finding in findings:
        said = sorted((name, value) for name, value in finding.sentence.values.items() if name != "count")
        key = (finding.severity, finding.sentence.template, *said, finding.frame if finding.fits else None)
        same.setdefault(key, []).append(finding)
    groups = []
    for first, *others in same.values():
        counts = [one.sentence.values["count"] for one in (first, *others) if "count" in one.sentence.values]
        values = first.sentence.values | ({"count": sum(counts)} if counts else {})
        sentence = TranslatableText(first.sentence.template, **values)
        groups.append(Group(first.severity, sentence, _runs([first, *others]), first.fits))
    return sorted(groups, key=lambda group: group.runs)


def _runs(findings: Iterable[Finding]) -> tuple[tuple[int, int], ...]:
    """The frames of the findings as ranges without gaps."""
    runs: list[tuple[int, int]] = []
    for finding in sorted(findings, key=lambda one: one.frame):
        if runs and finding.frame <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], finding.last))
        else:
            runs.append((finding.frame, finding.last))
    return tuple(runs)
