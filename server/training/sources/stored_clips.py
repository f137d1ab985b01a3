# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio's own clips, stored drawing by drawing for training."""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from server.coloring.palette import MAX_ENTRIES, extract_palette
from server.longanimation.line_extractor import LineExtractor
from server.training.cartoon import Clip
from server.training.sources.colored_clips import ClipFilter, read_clips

FOLDER = "clips"
"""Name of the folder for clips within a folder of sources."""


def store_clips(
    clips: Path,
    folder: Path,
    width: int,
    height: int,
    wanted: ClipFilter | None = None,
    extractor: LineExtractor | None = None,
) -> int:
    """Read the clips of a folder once, and write the different drawings of each clip as
    `folder`/clips/NNNNN/lineart/NNNN.png and color/NNNN.png, with the clip's name, description and exposure in
    `about.json`. Returns the number of clips.

    width, height: the largest size that training will use; wanted, extractor: see `read_clips`, which raises further
    errors.

    Raises:
        FileExistsError: the folder has clips already.
        ValueError: no clip is good enough.
    """
    library = folder / FOLDER
    if library.exists():
        raise FileExistsError(f"{library} exists already: remove it, or give another folder.")
    count = 0
    for count, clip in enumerate(read_clips(clips, width, height, wanted, extractor), 1):
        place = library / f"{count:05d}"
        for kind, images in (("lineart", clip.line_art), ("color", clip.color[..., ::-1])):
            (place / kind).mkdir(parents=True)
            for number, image in enumerate(images, 1):
                (place / kind / f"{number:04d}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
        exposure = clip.exposure.drawing_of
        about = {"name": clip.name, "drawings": len(clip.color), "sentence": clip.sentence, "exposure": exposure}
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


@dataclass(frozen=True)
class StoredClip:
    """A stored clip.

    drawings: number of different drawings. exposure: the drawing that each frame shows, from 0 on. Clips of earlier
    versions were stored without it, and count as one frame for each drawing. sentence: a description, or empty.
    """

    place: Path
    drawings: int
    exposure: tuple[int, ...]
    sentence: str

    def read(self, drawings: Sequence[int], width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """Return line art uint8 [T,H,W] and pictures RGB uint8 [T,H,W,3] of drawings, each of which is read once."""
        different, order = np.unique(drawings, return_inverse=True)
        kinds = ("lineart", cv2.IMREAD_GRAYSCALE), ("color", cv2.IMREAD_COLOR_RGB)
        line_art, color = (
            np.stack([self._picture(kind, number, flag, width, height) for number in different])[order]
            for kind, flag in kinds
        )
        return line_art, color

    def _picture(self, kind: str, drawing: int, flag: int, width: int, height: int) -> np.ndarray:
        file = self.place / kind / f"{drawing + 1:04d}.png"
        image = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), flag)
        if image is None:
            raise ValueError(f"{file} cannot be read as an image: store the clips again.")
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def open_clip(place: Path) -> StoredClip:
    """Return the clip that `store_clips` has written to `place`."""
    about = json.loads((place / "about.json").read_text(encoding="utf-8"))
    count = about["drawings"]
    return StoredClip(place, count, tuple(about.get("exposure", range(count))), about["sentence"])


def play_to_and_fro(moments: Sequence[int], seed: int, length: int) -> list[int]:
    """Return `length` consecutive ones of `moments` from a start that the seed chooses. If there are too few, they are
    played forward and backward."""
    first = int(np.random.default_rng(seed).integers(max(1, len(moments) - length + 1)))
    there_and_back = [*moments, *moments[-2:0:-1]]
    return [there_and_back[(first + index) % len(there_and_back)] for index in range(length)]


def sample_stored_clip(place: Path, seed: int, drawings: int, width: int, height: int, at: Sequence[int]) -> Clip:
    """Return the drawings `at` of a stored clip, cut to `drawings` drawings from a start that the seed chooses. A clip
    that is too short is played forward and backward.

    The fills are entries of a palette that is found in the clip's colors, as for a keyframe.
    """
    clip = open_clip(place)
    played = play_to_and_fro(range(clip.drawings), seed, drawings)
    line_art, color = clip.read([played[index] for index in at], width, height)
    palette = extract_palette(list(color), list(line_art), most_flat=MAX_ENTRIES)
    return Clip(line_art, np.stack(palette.labels).astype(np.uint8), palette.colors, clip.sentence)
