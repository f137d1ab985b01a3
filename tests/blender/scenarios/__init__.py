# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests do inside Blender. Each scenario returns plain values; the tests judge them outside."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from tests.demo.in_blender import install_extension


def run(name: str, archive: str, answer: str, *arguments: Any) -> None:
    """Install the extension, run a scenario, named `module.function`, and write what it returns as JSON to `answer`."""
    install_extension(archive)
    module, _, function = name.partition(".")
    result = getattr(importlib.import_module(f"{__name__}.{module}"), function)(*arguments)
    Path(answer).write_text(json.dumps(result), encoding="utf-8")
