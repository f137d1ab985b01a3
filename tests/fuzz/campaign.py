# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole run: inputs of each kind, the verdict, and the report."""

import logging
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

from hypothesis.strategies import SearchStrategy

from .house import House, open_house
from .images import ImageFuzz
from .ledger import Ledger, run
from .manifests import ManifestFuzz
from .operations import OperationFuzz
from .sockets import SocketFuzz
from .uploads import UploadFuzz

logger = logging.getLogger(__name__)

SHARES = {
    "operations": 24,
    "uploads and shots": 6,
    "odd addresses": 5,
    "malformed HTTP": 4,
    "manifests": 21,
    "images": 40,
}
"""The share of each kind of inputs, in percent. The first four go over real HTTP to a real server."""


@dataclass(frozen=True)
class Result:
    """The results of a run, and what it wrongly left behind."""

    ledger: Ledger
    left_behind: list[str]
    report: dict[str, Any]

    @property
    def is_clean(self) -> bool:
        """Return whether nothing went wrong."""
        return not self.ledger.failures and not self.left_behind


def fuzz(inputs: int, seed: int) -> Result:
    """Run a campaign of at least `inputs` inputs made from `seed`."""
    began = time.monotonic()
    ledger = Ledger()
    with open_house() as house:
        ledger.secrets |= house.secrets
        left_behind, numbers = _served(ledger, house, inputs, seed)
    memory = _read(ledger, inputs, seed)
    report = {
        "seed": seed,
        "seconds": round(time.monotonic() - began),
        "versions": {
            "python": platform.python_version(),
            **{one: version(one) for one in ("schemathesis", "hypothesis", "pillow", "waitress")},
        },
        **ledger.to_json(),
        "left_behind": left_behind,
        "house": numbers,
        "image_memory_mb": memory,
    }
    return Result(ledger, left_behind, report)


class Fuzz(Protocol):
    """Makes inputs of a kind, and sends them."""

    kind: str

    def strategy(self) -> SearchStrategy[Any]:
        """What can be sent."""

    def send(self, drawn: Any, /) -> None:
        """Send an input, and record the outcome."""


def _send(ledger: Ledger, fuzz: Fuzz, inputs: int, seed: int) -> None:
    """Send a kind's share of the inputs."""
    began = time.monotonic()
    run(ledger, fuzz.kind, fuzz.strategy(), fuzz.send, -(-inputs * SHARES[fuzz.kind] // 100), seed)
    logger.info("%s: %d inputs in %.0f s.", fuzz.kind, ledger.count(fuzz.kind), time.monotonic() - began)


def _served(ledger: Ledger, house: House, inputs: int, seed: int) -> tuple[list[str], dict[str, Any]]:
    _send(ledger, UploadFuzz(ledger, house), inputs, seed)  # what it queues can be deleted
    _send(ledger, OperationFuzz(ledger, house), inputs, seed)
    _send(ledger, SocketFuzz(ledger, house, is_whole=True), inputs, seed)
    _send(ledger, SocketFuzz(ledger, house, is_whole=False), inputs, seed)
    return house.check()


def _read(ledger: Ledger, inputs: int, seed: int) -> dict[str, int]:
    images = ImageFuzz(ledger)
    _send(ledger, images, inputs, seed)
    _send(ledger, ManifestFuzz(ledger), inputs, seed)
    return {"largest_accepted": round(images.allowed / 1e6), "most_of_a_fuzzed_file": round(images.most / 1e6)}
