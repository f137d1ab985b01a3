# SPDX-License-Identifier: GPL-3.0-or-later
"""DiceBear's avatars: heads and busts assembled from drawn parts, each with several faces (https://dicebear.com).

Only styles whose design is under CC0 1.0 or CC BY 4.0 and whose art consists of closed shapes are used.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from server.training.sources.drawing import Drawing
from server.training.sources.picture_drawing import prepare_drawing
from server.training.sources.svg import read_svg

PACKAGES = ("@dicebear/core@9.4.3", "@dicebear/collection@9.4.3")
STYLES = {
    "adventurer": "CC BY 4.0, Lisa Wischofsky",
    "bigEars": "CC BY 4.0, The Visual Team",
    "bigSmile": "CC BY 4.0, Ashley Seo",
    "dylan": "CC BY 4.0, Natalia Spivak",
    "lorelei": "CC0 1.0, Lisa Wischofsky",
    "micah": "CC BY 4.0, Micah Lanier",
    "miniavs": "CC BY 4.0, Webpixels",
    "notionists": "CC0 1.0, Zoish",
    "openPeeps": "CC0 1.0, Pablo Stanley",
    "personas": "CC BY 4.0, Draftbit",
    "toonHead": "CC BY 4.0, Johan Melin",
}
"""The styles, each with the license of its design as its package states it."""

HEADS = 80
"""The number of heads of each style."""

_SCRIPT = Path(__file__).with_suffix(".mjs")
_FRAME = ' mask="url(#viewboxMask)"'
"""The avatar's frame. It is left out, so that a figure is drawn whole."""


def read_avatars(modules: Path, node: str, heads: int = HEADS) -> Iterator[Drawing]:
    """Let the packages in `modules` draw avatars, and prepare the avatars.

    Args:
        node: the program that runs the packages.

    Raises:
        RuntimeError: the program failed. The message has its output.
    """
    script = shutil.copy(_SCRIPT, modules.parent)  # a script finds packages only in its own folder
    done = subprocess.run([node, script, str(heads), *STYLES], capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{node} could not draw the avatars: {done.stderr.strip()[-500:]}")
    for number, line in enumerate(done.stdout.splitlines()):
        avatar = json.loads(line)
        parts = read_svg(avatar["svg"].replace(_FRAME, ""), avatar["seed"])
        if drawing := prepare_drawing(parts, name=str(number), family=avatar["seed"], words="person"):
            yield drawing
