# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's threads fit the cores that it may use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import processors
from server.config import Config
from server.http import server_process


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file system of control groups, on a machine with 16 cores."""
    monkeypatch.setattr(processors, "CGROUPS", tmp_path)
    monkeypatch.setattr(processors, "OWN_CGROUPS", tmp_path / "own")
    monkeypatch.setattr(processors.psutil, "cpu_count", lambda **_: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/a/b", {"a/cpu.max": "250000 100000", "a/b/cpu.max": "max 100000"}, 3),
        ("0::/a/b", {"cpu.max": "50000 100000"}, 1),
        ("0::/a", {"a/cpu.max": "max 100000"}, 16),
        ("3:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "400000", "cpu/a/cpu.cfs_period_us": "100000"}, 4),
        ("3:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, 16),
        ("", {}, 16),
    ],
)
def test_control_groups_limit_the_cores(cgroups: Path, own: str, files: dict[str, str], cores: int) -> None:
    (cgroups / "own").write_text(f"{own}\n" if own else "")
    for name, content in files.items():
        (cgroups / name).parent.mkdir(parents=True, exist_ok=True)
        (cgroups / name).write_text(f"{content}\n")
    assert processors.usable_cores() == cores


def test_affinity_limits_the_cores(cgroups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    assert not (cgroups / "own").exists()
    assert processors.usable_cores() == 2


def test_workers_share_the_cores_and_the_environment_has_the_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setattr(server_process, "usable_cores", lambda: 7)
    config = Config(tmp_path)
    threads = [server_process.worker_environment(config, count)["OMP_NUM_THREADS"] for count in (0, 1, 2, 9)]
    assert threads == ["7", "7", "3", "1"]
    assert server_process.worker_environment(config, 1)["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert server_process.worker_environment(config, 2)["OMP_NUM_THREADS"] == "5"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_torch_has_as_many_threads_as_the_command_may_use_cores() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); from server import cli;"
        "cli._OWN['token'] = (lambda _: None, lambda _: print(__import__('torch').get_num_threads()) or 0);"
        "cli.main(['token'])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["1"]
