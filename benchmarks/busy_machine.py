# SPDX-License-Identifier: GPL-3.0-or-later
"""The time to color a shot while other programs keep all cores busy: with threads that spin while they wait,
as OpenMP's threads do unless told otherwise, over the time with threads that sleep, as the server's do.

--drawings: of the shot. --size: height of the frames in pixels, 16:9. It takes about five minutes.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2

from server.training.cartoon import draw_clip

from .measure import print_json_line, progress, read_sizes, seconds

_SPIN = "while True: pass"


@dataclass(frozen=True)
class Shot:
    """The number of drawings, and the height of the frames."""

    drawings: int
    size: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_sizes(__doc__, Shot(6, 540), Shot(2, 90), arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_shot(folder, sizes)
        with _busy(os.cpu_count() or 1):
            spinning, sleeping = (_color(folder, policy) for policy in ("ACTIVE", "PASSIVE"))
    print_json_line(benchmark="busy_machine", **vars(sizes), spinning_over_sleeping=spinning / sleeping)


def _write_shot(folder: Path, sizes: Shot) -> None:
    """Write line art, and the first drawing's painting as a keyframe."""
    clip = draw_clip(seed=5, drawings=sizes.drawings, width=sizes.size * 16 // 9, height=sizes.size)
    (folder / "lineart").mkdir()
    for number, drawing in enumerate(clip.line_art, 1):
        cv2.imwrite(str(folder / "lineart" / f"{number:04}.png"), drawing)
    cv2.imwrite(str(folder / "0001.png"), clip.colors[clip.labels[0]][..., ::-1])


def _color(folder: Path, policy: str) -> float:
    """Color the shot in a process with a policy of OpenMP. Returns the seconds that it took."""
    command = [sys.executable, "-m", "server", "colorize", str(folder / "lineart"), "--output", str(folder / "frames")]
    environment = os.environ | {"OMP_WAIT_POLICY": policy}
    command += ["--keyframe", str(folder / "0001.png")]
    progress(f"OMP_WAIT_POLICY={policy}")
    return seconds(lambda: subprocess.run(command, env=environment, check=True, capture_output=True))


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """Keep `count` programs busy."""
    programs = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


if __name__ == "__main__":
    main()
