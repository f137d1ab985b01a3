# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of a shot of any length, colored in a process of its own as by `python -m server colorize`."""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from rich.console import Console

from server.coloring.cli import colorize
from server.coloring.colorizer import Colorizer
from server.coloring.folder import read_folder

Load = Callable[[int], Colorizer]
"""Returns the model for drawings of a number of pixels. Another process must be able to import it by name."""


class Cost(NamedTuple):
    """Wall-clock seconds from the folder of line art to the last frame, with the model already loaded, and the
    process's peak memory in bytes."""

    seconds: float
    peak: int


def color_shot(drawings: int, height: int, load: Load) -> Cost:
    """Color a number of drawings, 3:2, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[Cost] = context.Queue()
    process = context.Process(target=_color, args=(drawings, height, load, answer))
    process.start()
    process.join()
    return answer.get(timeout=1)


def _draw(folder: Path, count: int, height: int) -> None:
    """Draw a ball that rolls past and back, each drawing a little different."""
    width = height * 3 // 2
    for number in range(count):
        art = np.full((height, width), 255, np.uint8)
        place = (round(width * (0.5 + 0.3 * np.sin(number / 20))), round(height * (0.5 + 0.2 * np.cos(number / 33))))
        cv2.circle(art, place, height // 5, 0, 1, cv2.LINE_AA)
        cv2.putText(art, str(number), (1, height - 2), cv2.FONT_HERSHEY_PLAIN, 0.6, 0)
        cv2.imwrite(str(folder / f"{number:04}.png"), art)


def _color(drawings: int, height: int, load: Load, answer: "multiprocessing.Queue[Cost]") -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "lineart").mkdir()
        _draw(folder / "lineart", drawings, height)
        key = cv2.imread(str(folder / "lineart" / "0000.png"))
        assert key is not None
        cv2.floodFill(key, None, (0, 0), (210, 190, 90))
        cv2.imwrite(str(folder / "key.png"), key)
        colorizer = load(height**2 * 3 // 2)
        begin = time.perf_counter()
        source = read_folder(folder / "lineart", [f"{folder / 'key.png'}@0"])
        colorize(source, colorizer.open(source.shot), folder / "colored", Console(stderr=True))
        seconds = time.perf_counter() - begin
        if len(list((folder / "colored").iterdir())) != drawings:
            raise AssertionError("not every drawing was colored")
    answer.put(Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
