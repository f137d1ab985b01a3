# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads assembled from drawn parts, each with several faces: Faces.js (Apache License 2.0,
https://github.com/zengm-games/facesjs) and Big Heads (MIT License, https://github.com/RobertBroersma/bigheads)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from server.training.sources.drawing import Drawing
from server.training.sources.picture_drawing import prepare_drawing
from server.training.sources.svg import read_svg

PACKAGES = (
    *("facesjs@5.0.3", "@bigheads/core@0.3.3"),
    *("react@16.14.0", "react-dom@16.14.0", "@emotion/core@10.3.1", "@emotion/styled@10.3.0"),
)
"""The two packages, and what Big Heads needs to run."""

HEADS = 300
"""The number of heads of each package."""

_SCRIPT = Path(__file__).with_suffix(".mjs")


def read_heads(modules: Path, node: str, heads: int = HEADS) -> Iterator[Drawing]:
    """Let the packages in `modules` draw heads, and prepare them.

    Args:
        node: the program that runs the packages.

    Raises:
        RuntimeError: the program failed. The message has its output.
    """
    script = shutil.copy(_SCRIPT, modules.parent)  # a script finds packages only in its own folder
    done = subprocess.run([node, script, str(heads)], capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{node} could not draw the heads: {done.stderr.strip()[-500:]}")
    for number, line in enumerate(done.stdout.splitlines()):
        head = json.loads(line)
        if drawing := prepare_drawing(read_svg(head["svg"], head["seed"]), str(number), head["seed"], "person"):
            yield drawing
