# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of each input, and what went wrong with the shortest way to see it again."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

CHUNK = 1000
"""Most inputs that hypothesis plans at once; what it remembers of them is then forgotten."""
MOST_CHUNKS = 3
"""How many times the chunks that a number of inputs needs are tried, for some inputs are thrown away."""
LONGEST_REPRODUCTION = 2000


@dataclass
class Failure:
    """Something that may not happen: how often it did, and the shortest input that showed it."""

    kind: str
    fault: str
    count: int
    reproduction: str


@dataclass
class Ledger:
    """Counts of inputs by kind and outcome, and the failures.

    secrets: texts that no report may hold, each with what stands in its place.
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
        """Note a failure; of several alike the shortest reproduction is kept."""
        for secret, shown in self.secrets.items():
            fault, reproduction = fault.replace(secret, shown), reproduction.replace(secret, shown)
        known = self.failures.setdefault((kind, fault), Failure(kind, fault, 0, reproduction))
        known.count += 1
        if len(reproduction) < len(known.reproduction):
            known.reproduction = reproduction

    def count(self, kind: str) -> int:
        """How many inputs of a kind there were."""
        return sum(self.outcomes.get(kind, Counter()).values())

    @property
    def total(self) -> int:
        """How many inputs there were."""
        return sum(map(self.count, self.outcomes))

    def to_json(self) -> dict[str, Any]:
        """Return what a report says of the inputs."""
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
    """Give `send`, which notes them in the ledger, at least `count` inputs of a kind, made from the seed `start`.

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
