# SPDX-License-Identifier: GPL-3.0-or-later
"""A campaign of faults: `python -m tests.faults --rounds 40 --seed 1 --report FILE.json`."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tests.postgresql import run_postgresql

from .power import Cuts, Recording
from .rounds import Result, run_round

CUTS_A_RECORDING = 10


def main() -> int:
    """Run the campaign and write its report. The exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=3, help="number of rounds of kills, or of power cuts (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the first round; each later round has the next seed"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    what.add_argument("--power", action="store_true", help="cut the power instead of killing processes; needs strace")
    parser.add_argument("--report", type=Path, help="JSON file to write; its figures of other campaigns stay")
    arguments = parser.parse_args()
    name = "power" if arguments.power else "postgresql" if arguments.postgresql else "sqlite"
    total: Result | Cuts = Cuts() if arguments.power else Result()
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    run: Iterator[Any] = _cuts(folder, arguments) if arguments.power else _rounds(folder, arguments)
    for seed, result in enumerate(run, arguments.seed):
        print(f"round {seed}: {'; '.join(result.wrong) or 'all is well'}", flush=True)
        total.add(result)
        if arguments.report is not None:
            _write(arguments.report, name, total, begun)
    if not total.wrong:
        shutil.rmtree(folder)
    else:
        print(f"What is left of the rounds is in {folder}.")
    return 1 if total.wrong else 0


def _rounds(folder: Path, arguments: argparse.Namespace) -> Iterator[Result]:
    with run_postgresql() if arguments.postgresql else nullcontext() as server:
        for seed in range(arguments.seed, arguments.seed + arguments.rounds):
            yield run_round(folder, seed, "" if server is None else server.new_database())


def _cuts(folder: Path, arguments: argparse.Namespace) -> Iterator[Cuts]:
    for first in range(0, arguments.rounds, CUTS_A_RECORDING):
        place = folder / f"recording-{first}"
        place.mkdir()
        recording = Recording(place, arguments.seed + first, shots=3)
        for number in range(min(CUTS_A_RECORDING, arguments.rounds - first)):
            yield recording.cut(number)


def _write(report: Path, name: str, total: Result | Cuts, begun: float) -> None:
    """Write the figures of a campaign beside those of other campaigns in the file."""
    known = json.loads(report.read_text()) if report.exists() else {}
    figures = vars(total) | {
        "lost": sum(": lost" in sentence for sentence in total.wrong),
        "differing_frames": sum(": differing" in sentence for sentence in total.wrong),
        "seconds": round(time.monotonic() - begun),
    }
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(known | {name: figures}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
