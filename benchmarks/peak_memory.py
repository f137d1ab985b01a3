# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a shot takes by its length: the peak of a process that colours 2,000 drawings over that of one that
colours 200.

Line art is read from a folder and frames are written to one, as by `python -m server colorize`.

--width, --layers: of the denoiser. --size: height of the frames, 3:2.
"""

import multiprocessing
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from server.colorize.colorizer import Colorizer
from server.colorize.folder import colorize, read_folder
from server.colorize.presets import Preset
from server.matching import LineMatcher

from .measure import Sizes, print_json_line, progress, read_sizes
from .stack import random_pipeline

LENGTHS = (200, 2000)
QUICK_LENGTHS = (30, 60)
QUICK = Sizes(64, 1, 32)


def draw(folder: Path, count: int, height: int) -> None:
    """Draw a ball that rolls past and back, each drawing a little different."""
    width = height * 3 // 2
    for number in range(count):
        art = np.full((height, width), 255, np.uint8)
        place = (round(width * (0.5 + 0.3 * np.sin(number / 20))), round(height * (0.5 + 0.2 * np.cos(number / 33))))
        cv2.circle(art, place, height // 5, 0, 1, cv2.LINE_AA)
        cv2.putText(art, str(number), (1, height - 2), cv2.FONT_HERSHEY_PLAIN, 0.6, 0)
        cv2.imwrite(str(folder / f"{number:04}.png"), art)


def color(count: int, sizes: Sizes, peak: "multiprocessing.Queue[int]") -> None:
    """Colour so many drawings and tell the peak of this process, in KiB."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "lineart").mkdir()
        draw(folder / "lineart", count, sizes.size)
        key = cv2.imread(str(folder / "lineart" / "0000.png"))
        cv2.floodFill(key, None, (0, 0), (210, 190, 90))
        cv2.imwrite(str(folder / "key.png"), key)
        source = read_folder(folder / "lineart", [f"{folder / 'key.png'}@0"])
        pixels = sizes.size**2 * 3 // 2
        preset = Preset("random", folder, "", "", pixels, segment=81, steps=2, guidance=1.0, votes=1, hints=True)
        colorizer = Colorizer(random_pipeline(sizes.width, sizes.layers), LineMatcher(), preset)
        coloring = colorizer.open(source.shot)
        colorize(source, coloring, folder / "colored", Console(stderr=True))
        if len(list((folder / "colored").iterdir())) != count:
            raise AssertionError("not every drawing was coloured")
    peak.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_sizes(__doc__, Sizes(64, 2, 32), QUICK, arguments)
    context = multiprocessing.get_context("spawn")
    peaks = {}
    for count in QUICK_LENGTHS if sizes == QUICK else LENGTHS:
        progress(f"{count} drawings")
        peak = context.Queue()
        process = context.Process(target=color, args=(count, sizes, peak))
        process.start()
        process.join()
        peaks[count] = peak.get(timeout=1)
    short, long = peaks.values()
    print_json_line(
        benchmark="peak_memory", **vars(sizes), short=min(peaks), long=max(peaks), long_over_short=long / short
    )


if __name__ == "__main__":
    main()
