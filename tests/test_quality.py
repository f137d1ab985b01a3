# SPDX-License-Identifier: GPL-3.0-or-later
"""The code is consistent: ruff and mypy find nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
OURS = ("install.py", "shared", "server", "blender_addon", "tests", "benchmarks")


@pytest.mark.parametrize(
    "command", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=["ruff", "format", "mypy"]
)
def test_the_checkers_find_nothing(command: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_every_file_names_its_license_in_the_first_line() -> None:
    files = [path for name in OURS for path in [ROOT / name, *(ROOT / name).rglob("*.py")] if path.suffix == ".py"]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files}
    header = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
    assert not [name for name, text in texts.items() if text and not text.startswith(header)]
