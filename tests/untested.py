# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of what a test run left untested on its machine, with the commands that install what is missing."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill


def report(skipped: Sequence[tuple[str, str]], blenders: Sequence[Path], left_out: Sequence[str]) -> list[str]:
    """Return the lines to print, none if everything was tested.

    skipped: node id and reason of each skipped test. A reason reads "no PostgreSQL: sudo apt-get install postgresql",
    with the command after the colon where there is one. blenders: those the tests ran in. left_out: the markers of the
    tests that `--fast` left out.
    """
    promises: dict[str, list[str]] = {}
    for test, reason in skipped:
        promises.setdefault(reason, []).append(_promise(test))
    lines = []
    for reason, names in sorted(promises.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        lines.append(f"{len(names)} skipped: {reason}")
        text = "; ".join(dict.fromkeys(names))
        lines += fill(text, 116, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False).splitlines()
    if left_out:
        lines.append(f"--fast left out the tests marked {', '.join(left_out)}: python install.py test")
    elif len(blenders) == 1:
        lines.append("One Blender was tested; the others: python install.py test --blender all tests/blender")
    return lines


def _promise(test: str) -> str:
    """The sentence in a test's name: `tests/a.py::test_a_job_ends[x]` is "a job ends"."""
    return test.rpartition("::")[2].partition("[")[0].removeprefix("test_").replace("_", " ")
