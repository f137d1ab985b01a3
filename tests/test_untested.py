# SPDX-License-Identifier: GPL-3.0-or-later
"""A run reports what its machine left untested, and how to test it, before pytest's closing line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.untested import report

ROOT = Path(__file__).resolve().parents[1]
ALL = [Path("4.2"), Path("4.5")]


def run_pytest(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, env=os.environ | variables)


def test_a_complete_run_has_nothing_to_report() -> None:
    assert report([], ALL, []) == []


def test_skips_are_reported_by_reason_with_the_promises() -> None:
    database = "no PostgreSQL: sudo apt-get install postgresql"
    skipped = [
        ("tests/a.py::test_power_cuts_lose_nothing", "no strace: sudo apt-get install strace"),
        ("tests/b.py::test_two_servers_share_jobs[1]", database),
        ("tests/b.py::test_two_servers_share_jobs[2]", database),
    ]
    assert report(skipped, ALL, []) == [
        f"2 skipped: {database}",
        "    two servers share jobs",
        "1 skipped: no strace: sudo apt-get install strace",
        "    power cuts lose nothing",
    ]


def test_other_blenders_and_the_rest_of_a_fast_run_are_named_with_their_command() -> None:
    assert report([], ALL[:1], [])[0].endswith("python install.py test --blender all tests/blender")
    (line,) = report([], ALL[:1], ["blender", "slow"])
    assert "blender, slow" in line and line.endswith("python install.py test")


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_run_ends_with_the_report_and_then_pytests_closing_line(workers: str, tmp_path: Path) -> None:
    blender, test = str(tmp_path / "none"), "tests/faults/test_power.py"
    done = run_pytest("-n", workers, "-k", "power_cut", test, PATH=str(tmp_path), LONGANIMATION_BLENDER=blender)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, heading, reason, promise, blenders, closing = done.stdout.splitlines()
    assert "untested on this machine" in heading
    assert reason == "1 skipped: no strace that may look at processes: sudo apt-get install strace"
    assert promise.startswith("    after a power cut a server goes on")
    assert blenders.endswith("python install.py test --blender all tests/blender")
    assert closing.startswith("1 skipped")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "marker"),
    [
        ("tests/demo/test_demo.py", "blender"),
        ("tests/faults/test_kills.py", "slow"),
        ("tests/server/test_health.py", "slow"),
        ("tests/storage/test_sessions.py", "postgres"),
    ],
)
def test_markers_follow_from_folders_and_fixtures(test: str, marker: str) -> None:
    done = run_pytest("--collect-only", "-m", marker, test)
    assert f"{test}::" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_a_fast_run_leaves_out_what_is_marked() -> None:
    done = run_pytest("--collect-only", "--fast", "tests/demo", "tests/faults", "tests/test_timing.py")
    left = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    assert left == {"tests/demo/test_cartoon.py", "tests/test_timing.py"}, done.stdout + done.stderr
