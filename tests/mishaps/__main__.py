# SPDX-License-Identifier: GPL-3.0-or-later
"""A campaign of mishaps: `python -m tests.mishaps --on sqlite --minutes 5 --seed 1 --report FILE.json`."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from server.config import REPOSITORY

from .campaign import KINDS, SETUPS, Result, open_studio, run, to_json


def main() -> int:
    """Run the campaign and write its report. The exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.mishaps", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)} (all)")
    parser.add_argument("--on", choices=SETUPS, default="sqlite", help="database and store (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of each kind (%(default)s)")
    parser.add_argument("--minutes", type=float, default=15.0, help="begin no mishap later (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the campaign (%(default)s)")
    parser.add_argument("--tree", type=Path, default=REPOSITORY, help="folder of another version, to run its server")
    parser.add_argument("--report", type=Path, help="JSON file to write; its figures of other setups stay")
    arguments = parser.parse_args()
    if unknown := set(arguments.kinds) - set(KINDS):
        parser.error(f"unknown kinds {', '.join(sorted(unknown))}: choose from {', '.join(KINDS)}")
    folder = Path(tempfile.mkdtemp(prefix="mishaps-"))
    result = Result(arguments.seed)
    with open_studio(arguments.on, folder, arguments.tree) as studio:
        kinds = arguments.kinds or list(KINDS)
        for result in run(studio, kinds, arguments.seed, arguments.rounds, 60 * arguments.minutes):
            print(f"{result.seconds:5} s: {result.rounds}, found {sum(map(len, result.wrong.values()))}", flush=True)
            if arguments.report is not None:
                _write(arguments.report, arguments.on, result)
    for kind, sentences in result.wrong.items():
        for sentence in sentences:
            print(f"{kind}: {sentence}")
    if any(result.wrong.values()):
        print(f"What is left of the campaign is in {folder}.")
        return 1
    shutil.rmtree(folder)
    return 0


def _write(report: Path, setup: str, result: Result) -> None:
    known = json.loads(report.read_text()) if report.exists() else {}
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(known | to_json({setup: result}), indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
