# SPDX-License-Identifier: GPL-3.0-or-later
"""The counterpart of `process` inside Blender."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from server.demo.in_blender.extension import install_extension


def run(name: str, archive: str, answer: str, *arguments: Any) -> None:
    """Install the extension, call a function (`package.module.function`), and write what it returns as JSON to
    `answer`."""
    install_extension(archive)
    module, _, function = name.rpartition(".")
    result = getattr(importlib.import_module(module), function)(*arguments)
    Path(answer).write_text(json.dumps(result), encoding="utf-8")
