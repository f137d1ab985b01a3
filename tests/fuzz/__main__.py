# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.fuzz --inputs 100000 --seed N --report FILE.json`."""

import argparse
import json
import sys
from pathlib import Path

from server import logs

from .campaign import Result, fuzz


def main() -> int:
    """Run a campaign, write its report and print a table. Returns 1 when something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, metavar="N", help="how many inputs (default: 100000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the inputs (default: 0)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="JSON file for the report")
    arguments = parser.parse_args()
    logs.configure("text", "info")
    result = fuzz(arguments.inputs, arguments.seed)
    if arguments.report is not None:
        arguments.report.write_text(json.dumps(result.report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(result))
    return 0 if result.is_clean else 1


def table(result: Result) -> str:
    """Write the result as a few lines for people."""
    ledger = result.ledger
    lines = [f"{ledger.total} inputs in {result.report['seconds']} s, {len(ledger.failures)} kinds of failures"]
    for kind, outcomes in ledger.outcomes.items():
        common = ", ".join(f"{outcome} × {count}" for outcome, count in outcomes.most_common(8))
        lines.append(f"{kind:18} {ledger.count(kind):7}  {common}")
    for failure in ledger.failures.values():
        lines.append(f"FAILURE {failure.kind}: {failure.fault}, {failure.count} times: {failure.reproduction[:300]}")
    lines += [f"LEFT BEHIND {what}" for what in result.left_behind]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
