# SPDX-License-Identifier: GPL-3.0-or-later
"""How many cores this process may use, and how many threads its libraries get."""

import math
import os
from contextlib import suppress
from pathlib import Path

import psutil

CGROUPS, OWN_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where Linux shows the limits of control groups, such as those of containers, and which groups this process is in."""


def usable_cores() -> int:
    """Return how many cores this process may use: at most the physical ones, those of its affinity, and what its
    control groups allow, rounded up."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # on Linux only
        cores = min(cores, len(os.sched_getaffinity(0)))
    return max(1, math.ceil(min(cores, _quota())))


def thread_limits(cores: int) -> dict[str, str]:
    """Return the environment in which numeric libraries use `cores` threads, at least one, and those that wait sleep.
    Threads that spin while they wait are slow beside other busy programs."""
    return {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(max(1, cores))}


def limit_threads(cores: int) -> None:
    """Limit the threads of this process, unless its environment says otherwise. Call this before torch is imported,
    because OpenMP then reads the environment."""
    for name, value in thread_limits(cores).items():
        os.environ.setdefault(name, value)


def _quota() -> float:
    """Return how many cores the control groups of this process allow, infinity without a limit."""
    lines = []
    with suppress(OSError):  # another system
        lines = OWN_CGROUPS.read_text().splitlines()
    quota = math.inf
    for _, kinds, path in (line.split(":", 2) for line in lines):
        if not kinds:
            root = CGROUPS
        elif "cpu" in kinds.split(","):
            root = CGROUPS / "cpu"
        else:
            continue
        # The limits of all groups above apply too. In a container, its own group may be shown as the root.
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            quota = min(quota, _quota_of(folder))
            if folder == root:
                break
    return quota


def _quota_of(group: Path) -> float:
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):  # of version 2, and of version 1
        with suppress(OSError, ValueError):  # a file of the other version, or no limit ("max")
            allowed, period = map(int, " ".join((group / name).read_text() for name in files).split())
            return allowed / period if allowed > 0 else math.inf
    return math.inf
