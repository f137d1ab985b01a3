# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of each input, and the failures with the shortest way to reproduce each."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

CHUNK = 1000
"""Largest number of inputs that hypothesis plans at once. Afterward it forgets them."""
MOST_CHUNKS = 3
"""Factor on the number of chunks that are tried, because some inputs are discarded."""
LONGEST_REPRODUCTION = 2000


@dataclass
class Failure:
    """Something that must not happen: how often it happened, and the shortest input that caused it."""

    kind: str
    fault: str
    count: int
    reproduction: str


@dataclass
class Ledger:
    """Counts of inputs by kind and outcome, and the failures.

    secrets: texts that no report may contain, each with its replacement.
    """

    secrets: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    operations: dict[str, Counter[str]] = field(default_factory=dict)
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)

    def note(self, kind: str, outcome: str, faults: Sequence[str] = (), reproduction: str = "") -> None:
        """Count an input of a kind."""
        self.outcomes.setdefault(kind, Counter())[outcome] += 1
        for fault in faults:
            self.fail(kind, fault, reproduction)

    def fail(self, kind: str, fault: str, reproduction: str) -> None:
        """Record a failure. Of several equal ones, the shortest reproduction is kept."""
        for secret, shown in self.secrets.items():
            fault, reproduction = fault.replace(secret, shown), reproduction.replace(secret, shown)
        known = self.failures.setdefault((kind, fault), Failure(kind, fault, 0, reproduction))
        known.count += 1
        if len(reproduction) < len(known.reproduction):
            known.reproduction = reproduction

    def count(self, kind: str) -> int:
        """Return the number of inputs of a kind."""
        return sum(self.outcomes.get(kind, Counter()).values())

    @property
    def total(self) -> int:
        """Return the number of inputs."""
        return sum(map(self.count, self.outcomes))

    def to_json(self) -> dict[str, Any]:
        """Return the part of a report about the inputs."""
        return {
            "inputs": self.total,
            "kinds": {
                kind: {"inputs": self.count(kind), "outcomes": dict(sorted(outcomes.items()))}
                for kind, outcomes in self.outcomes.items()
            },
            "operations": {name: dict(sorted(statuses.items())) for name, statuses in sorted(self.operations.items())},
            "failures": [
                vars(failure) | {"reproduction": failure.reproduction[:LONGEST_REPRODUCTION]}
                for failure in self.failures.values()
            ],
        }


def run(
    ledger: Ledger, kind: str, strategy: SearchStrategy[Any], send: Callable[[Any], None], count: int, start: int
) -> None:
    """Give at least `count` inputs of a kind, made from the seed `start`, to `send`, which records them in the ledger.

    Raises RuntimeError when the strategy does not have so many.
    """
    for chunk in range(MOST_CHUNKS * (1 + count // CHUNK)):
        left = count - ledger.count(kind)
        if left <= 0:
            return
        fuzz = given(strategy)(send)
        fuzz = settings(
            max_examples=min(left, CHUNK),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(fuzz)
        seed(start * 1_000_003 + chunk)(fuzz)()
    if ledger.count(kind) < count:
        raise RuntimeError(f"There are only {ledger.count(kind)} inputs of the kind {kind}, not {count}.")
