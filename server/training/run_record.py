# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a stage: a JSON file beside its weights that says how they were made."""

import json
import math
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from server.files import write_file

PACKAGES = ("longanimation-color", "torch", "diffusers", "transformers", "accelerate", "numpy")
"""The packages whose versions are recorded."""
ROOT = Path(__file__).resolve().parents[2]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class RunRecord:
    """Describes one call that trains a stage. The file has a list of calls, the oldest first, because weights may come
    from several calls with different settings.

    file: where it is written. stage: its name. settings, arguments: what the stage was called with; dataclasses are
    written field by field. processes, device: what computed. before: steps of the stage and samples seen in it when
    the call began. source: see `find_commit`.
    """

    file: Path
    stage: str
    settings: Any
    arguments: Mapping[str, Any]
    processes: int
    device: str
    before: Mapping[str, int]
    began: str = field(default_factory=_now)
    source: Mapping[str, Any] | None = field(default_factory=lambda: find_commit(ROOT))

    def write(self, after: Mapping[str, int]) -> None:
        """Add this call to the file, or replace what it wrote before. after: as `before`, now. Raises OSError."""
        calls = json.loads(self.file.read_text(encoding="utf-8")) if self.file.is_file() else []
        call = {
            "stage": self.stage,
            "began": self.began,
            "ended": _now(),
            "before": self.before,
            "after": after,
            "settings": self.settings,
            "arguments": self.arguments,
            "processes": self.processes,
            "device": self.device,
            "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
            "source": self.source,
        }
        others = [other for other in calls if other["began"] != self.began]
        text = json.dumps([*others, _plain(call)], indent=2, ensure_ascii=False, allow_nan=False)
        write_file(self.file, f"{text}\n".encode())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def find_commit(folder: Path) -> dict[str, Any] | None:
    """Return the commit of a repository's working tree, and whether its files were changed since. None without git, or
    if the folder is no repository."""
    if not (folder / ".git").exists():
        return None
    found = []
    for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no")):
        try:
            done = subprocess.run(["git", "-C", str(folder), *command], text=True, capture_output=True)
        except OSError:
            return None
        if done.returncode:
            return None
        found.append(done.stdout.strip())
    return {"commit": found[0], "changed": bool(found[1])}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it. Paths become text, and an infinite number null."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
