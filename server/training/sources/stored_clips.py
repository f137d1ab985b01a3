# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio's own clips, stored drawing by drawing for training."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from server.coloring.palette import extract_palette
from server.training.cartoon import Clip
from server.training.sources.colored_clips import ClipFilter, read_clips

FOLDER = "clips"
"""Name of the folder for clips within a folder of sources."""


def store_clips(clips: Path, folder: Path, width: int, height: int, wanted: ClipFilter | None = None) -> int:
    """Read the clips of a folder once, and write the different drawings of each clip as
    `folder`/clips/NNNNN/lineart/NNNN.png and color/NNNN.png, with the clip's name and description in `about.json`.
    Returns the number of clips.

    width, height: the largest size that training will use; wanted: see `read_clips`, which raises further errors.

    Raises:
        FileExistsError: the folder has clips already.
        ValueError: no clip is good enough.
    """
    library = folder / FOLDER
    if library.exists():
        raise FileExistsError(f"{library} exists already: remove it, or give another folder.")
    count = 0
    for count, clip in enumerate(read_clips(clips, width, height, wanted), 1):
        place = library / f"{count:05d}"
        for kind, images in (("lineart", clip.line_art), ("color", clip.color[..., ::-1])):
            (place / kind).mkdir(parents=True)
            for number, image in enumerate(images, 1):
                (place / kind / f"{number:04d}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
        about = {"name": clip.name, "drawings": len(clip.color), "sentence": clip.sentence}
        (place / "about.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
    if not count:
        raise ValueError(
            f"No clip in {clips} is long, lively and clear enough: the paper asks for more than 91 frames."
        )
    return count


@functools.lru_cache
def stored_clips(folder: Path) -> tuple[Path, ...]:
    """Return the clips that `store_clips` has written to a folder."""
    return tuple(sorted(path.parent for path in (folder / FOLDER).glob("*/about.json")))


def sample_stored_clip(place: Path, seed: int, drawings: int, width: int, height: int, at: Sequence[int]) -> Clip:
    """Return the drawings `at` of a stored clip, cut to `drawings` drawings from a start that the seed chooses. A clip
    that is too short is played forward and backward.

    The fills are entries of a palette that is found in the clip's colors, as for a keyframe.
    """
    about = json.loads((place / "about.json").read_text(encoding="utf-8"))
    count = about["drawings"]
    first = int(np.random.default_rng(seed).integers(max(1, count - drawings + 1)))
    there_and_back = [*range(count), *range(count - 2, 0, -1)]
    numbers = [there_and_back[(first + index) % len(there_and_back)] + 1 for index in at]
    line_art, color = (
        [
            cv2.resize(_read(place / kind / f"{number:04d}.png", flag), (width, height), interpolation=cv2.INTER_AREA)
            for number in numbers
        ]
        for kind, flag in (("lineart", cv2.IMREAD_GRAYSCALE), ("color", cv2.IMREAD_COLOR_RGB))
    )
    palette = extract_palette(color, line_art)
    return Clip(np.stack(line_art), palette.labels, palette.colors, about["sentence"])


def _read(file: Path, flag: int) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), flag)
    if image is None:
        raise ValueError(f"{file} cannot be read as an image: store the clips again.")
    return image
