# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation clips as folders of frames with their true colors. The cartoons are procedural, or have fetched shapes or
bodies as actors. Neither the cartoons nor these actors are used for training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from server.coloring.line_art.compositing import lay_lines
from server.coloring.line_art.regions import LINE_BELOW

from .cartoon import draw_clip
from .sources import draw_puppet_clip, load_families
from .toons import draw_toon_clip, load_bodies

FIRST_SEED = 10**9
"""Seeds from here on are reserved for validation. Training counts its samples from 0."""

_DRAWN_AT_ONCE = 24


@dataclass(frozen=True)
class ValidationClip:
    """One clip: the folder's name, the cartoon's seed, its length in frames (not drawings), its size in pixels, and the
    source of its fetched actors, if any."""

    name: str
    seed: int
    frames: int
    width: int = 640
    height: int = 360
    source: str | None = None


CLIPS = (
    ValidationClip("long_meadow", FIRST_SEED + 83, 320),
    ValidationClip("long_alike", FIRST_SEED + 73, 320),
    ValidationClip("long_brush", FIRST_SEED + 26, 320),
    ValidationClip("long_rough", FIRST_SEED + 44, 320, 640, 480),
    ValidationClip("soft_crossing", FIRST_SEED + 9, 48),
    ValidationClip("rough_street", FIRST_SEED + 22, 48, 640, 480),
    ValidationClip("brush_night", FIRST_SEED + 30, 48),
    ValidationClip("many_legs", FIRST_SEED + 41, 48),
    ValidationClip("soft_crowd", FIRST_SEED + 58, 48, 960, 540),
    ValidationClip("painted_street", FIRST_SEED + 64, 48),
    ValidationClip("openmoji_1", FIRST_SEED + 101, 48, source="openmoji"),
    ValidationClip("openmoji_2", FIRST_SEED + 102, 48, source="openmoji"),
    ValidationClip("openmoji_3", FIRST_SEED + 103, 48, source="openmoji"),
    ValidationClip("avatars_1", FIRST_SEED + 104, 48, source="avatars"),
    ValidationClip("avatars_2", FIRST_SEED + 105, 48, source="avatars"),
    ValidationClip("toon_1", FIRST_SEED + 107, 48, source="toons"),
    ValidationClip("toon_2", FIRST_SEED + 110, 48, source="toons"),
)
"""Long shots, then short ones, with all kinds of lines and paintings. They change when the cartoon's code changes."""

_CASTS = (*[None] * 7, *["toons"] * 4, *["openmoji"] * 3, *["fluent_emoji", "avatars", "heads"] * 2)
STORIES = tuple(
    ValidationClip(f"story_{number:02}", FIRST_SEED + 200 + number, 36, source=_CASTS[number % len(_CASTS)])
    for number in range(1, 41)
)
"""Clips with actors as in training, about as often. Nobody chose them: their seeds follow each other."""


def write_validation(
    folder: Path, clips: Sequence[ValidationClip] = (*CLIPS, *STORIES), sources: Path | None = None
) -> None:
    """Write each clip as `NAME/lineart/NNNN.png` and `NAME/color/NNNN.png`, one file per frame, from 0001 on.

    Drawings are held on ones, twos and threes. Color frames show fills, shading and light with the lines on top.
    The same clips give the same files.

    sources: the folder with the shapes and bodies that `fetch_sources` fetched. Without it, clips with fetched actors
    are left out.

    Raises:
        ValueError: a seed is not reserved for validation, or a drawing of the clip would be blank paper.
        FileExistsError: the folder of a clip already exists.
    """
    if sources is None:
        clips = [clip for clip in clips if clip.source is None]
    for clip in clips:
        if clip.seed < FIRST_SEED:
            raise ValueError(
                f"{clip.name} has seed {clip.seed}, which training may see: take one from {FIRST_SEED} on."
            )
        if (folder / clip.name).exists():
            raise FileExistsError(f"{folder / clip.name} exists already: remove it, or give another folder.")
    for clip in clips:
        line_art, color = (folder / clip.name / kind for kind in ("lineart", "color"))
        line_art.mkdir(parents=True)
        color.mkdir()
        frame = 1
        for art, painting, hold in _drawings(clip, sources):
            images = (line_art, _png(art)), (color, _png(lay_lines(painting, art)))
            for number in range(frame, min(frame + hold, clip.frames + 1)):
                for place, content in images:
                    (place / f"{number:04d}.png").write_bytes(content)
            frame += hold


def _drawings(clip: ValidationClip, sources: Path | None) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Return line art uint8 [H,W], painting RGB uint8 [H,W,3] and hold of each drawing that the frames show."""
    draw = draw_clip
    if clip.source == "toons" and sources:
        draw = partial(draw_toon_clip, load_bodies(sources / "toons.npz", "validation"))
    elif clip.source and sources:
        draw = partial(draw_puppet_clip, load_families(sources, clip.source, "validation"))
    frames = 0
    for start in range(0, clip.frames, _DRAWN_AT_ONCE):
        run = range(start, min(start + _DRAWN_AT_ONCE, clip.frames))
        cartoon = draw(clip.seed, clip.frames, clip.width, clip.height, at=run)
        for i, hold in enumerate(cartoon.holds):
            if not (cartoon.line_art[i] < LINE_BELOW).any():
                raise ValueError(f"Drawing {run[i]} of {clip.name} is blank paper: give the clip another seed.")
            yield cartoon.line_art[i], cartoon.painting(i), hold
            frames += hold
            if frames >= clip.frames:
                return


def _png(image: np.ndarray) -> bytes:
    stored = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", stored)[1].tobytes()
