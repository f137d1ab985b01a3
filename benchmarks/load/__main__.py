# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the load benchmark: `python -m benchmarks.load`."""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

import benchmarks.load
from benchmarks.measure import print_json_line

from . import crowd, latency_under_load, second_upload

TIMES_FASTER, LATE_MS = 5.0, 200.0
"""The smallest accepted gain of a second upload, and the largest accepted 99th percentile, in milliseconds, while a
worker computes."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all parts, print one JSON line, and write it to a file when asked to."""
    given = _arguments(arguments)
    machine = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_gb": psutil.virtual_memory().total / 1e9,
        "load_before": os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        small = given.quick
        upload = second_upload.measure(folder / "upload", given.uploads)
        size = (3, 72, 48, 3.0) if small else (81, 256, 144, 60.0)
        computed = latency_under_load.measure(folder / "computing", *size, given.minutes)
        many = crowd.measure(folder / "many", given.clients, given.jobs, given.drawings, given.minutes)
    result: dict[str, Any] = {
        "benchmark": "load",
        "machine": machine,
        "sizes": {name: getattr(given, name) for name in ("clients", "jobs", "drawings", "uploads")},
        "met": {
            "nothing lost": many["lost"] == 0,
            "no errors": many["errors"] == computed["errors"] == 0,
            f"second upload {TIMES_FASTER:g} times faster": upload["times_faster"] >= TIMES_FASTER,
            f"p99 below {LATE_MS:g} ms while a worker computes": computed["any"]["p99_ms"] < LATE_MS,
        },
        "many": many,
        "upload": upload,
        "computing": computed,
    }
    result = json.loads(json.dumps(result), parse_float=lambda text: float(f"{float(text):.4g}"))
    print_json_line(**result)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=benchmarks.load.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = {"clients": (50, 2), "jobs": (20, 2), "drawings": (100, 6), "uploads": (500, 20), "minutes": (60, 3)}
    texts = {
        "clients": "clients at once",
        "jobs": "jobs of each client",
        "drawings": "drawings of each job",
        "uploads": "drawings that are sent twice",
        "minutes": "minutes after which a part is stopped: its unfinished jobs count as lost",
    }
    for name, (usual, quick) in sizes.items():
        text = f"{texts[name]} (default: {usual}, {quick} with --quick)"
        parser.add_argument(f"--{name}", type=int, metavar="N", help=text)
    parser.add_argument("--quick", action="store_true", help="sizes that end within a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result to this file")
    given = parser.parse_args(arguments)
    for name, pair in sizes.items():
        if getattr(given, name) is None:
            setattr(given, name, pair[given.quick])
    return given


if __name__ == "__main__":
    main()
