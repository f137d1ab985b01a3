# SPDX-License-Identifier: GPL-3.0-or-later
"""A soak: `python -m tests.soak --hours 8 --on postgresql --report docs/reports/soak.json`."""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.mishaps.campaign import SETUPS, open_studio
from tests.mishaps.studio import Studio

from .curve import Watch, grown
from .visitors import Visitors

SAMPLE_SECONDS = 5.0
KILL_SECONDS = 60.0
"""How often a worker is killed, or the second server with everything of it."""


def main() -> int:
    """Soak a studio and write the report. The exit code is 1 if anything was wrong or grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="how long (%(default)s)")
    parser.add_argument("--on", choices=SETUPS, default="sqlite", help="database and store (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", type=Path, help="JSON file to write; its figures of other setups stay")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    with open_studio(arguments.on, folder) as studio:
        result = soak(studio, 3600 * arguments.hours, arguments.seed)
    if arguments.report is not None:
        known = json.loads(arguments.report.read_text()) if arguments.report.exists() else {}
        arguments.report.write_text(json.dumps(known | {arguments.on: result}) + "\n")
    print(json.dumps({name: value for name, value in result.items() if name != "processes"}, indent=2))
    if result["wrong"] or result["grown"]:
        print(f"What is left of the soak is in {folder}.")
        return 1
    shutil.rmtree(folder)
    return 0


def soak(studio: Studio, seconds: float, seed: int) -> dict[str, Any]:
    """Let visitors use a studio for so long, and kill workers and the second server. Server 0 is never killed, so that
    its memory tells."""
    rng = random.Random(seed)
    visitors = Visitors(studio, seed)
    watches: dict[str, Watch] = {"server 0": Watch(studio.houses[0].server)}
    kills: dict[str, int] = {}
    load_before, begun = os.getloadavg()[0], time.monotonic()
    next_kill = KILL_SECONDS
    visitors.start()
    while (now := time.monotonic() - begun) < seconds:
        for watch in watches.values():
            watch.look(now)
        if now > next_kill:
            next_kill += KILL_SECONDS
            number, kind = rng.choice(((0, "worker"), (1, "worker"), (1, "server"), (1, "group")))
            name = f"{kind} of server {number}"
            kills[name] = kills.get(name, 0) + studio.houses[number].kill(kind)
            studio.houses[number].start()
        time.sleep(SAMPLE_SECONDS)
    visitors.stop()
    wrong = visitors.wrong + list(studio.settle(rng))
    return {
        "seconds": round(time.monotonic() - begun),
        "load_before": round(load_before, 1),
        "load_after": round(os.getloadavg()[0], 1),
        "cores": psutil.cpu_count(),
        "visitors": dict(sorted(visitors.counts.items())),
        "kills": kills,
        "wrong": wrong,
        "grown": grown(list(watches.items())),
        "flat": all(watch.is_flat for watch in watches.values()),
        "processes": {name: watch.to_json() for name, watch in watches.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
