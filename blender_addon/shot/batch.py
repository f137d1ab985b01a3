# SPDX-License-Identifier: GPL-3.0-or-later
"""Many shots at once: which frames of which scene form a shot. Does not use Blender."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText


@dataclass(frozen=True)
class BatchShot:
    """A shot of a batch.

    scene: name of the scene with the drawings. frames: frames of that scene. timeline: name of the scene whose
    Sequencer shows the result. start: the timeline frame of the shot's first frame.
    """

    name: str
    scene: str
    frames: range
    timeline: str
    start: int


@dataclass(frozen=True)
class Span:
    """What a strip shows: at `frames` of the timeline, the frames of a scene from `first` on."""

    name: str
    frames: range
    scene: str
    first: int


def of_scene(scene: str, frames: range) -> BatchShot:
    """The shot of a scene's own frames, with its result at the same frames."""
    return BatchShot(scene, scene, frames, scene, frames.start)


def from_markers(scene: str, frames: range, markers: Iterable[tuple[int, str]]) -> list[BatchShot]:
    """Split a scene's frames into shots at markers: each begins at its marker and ends before the next.

    Frames before the first marker belong to no shot. If several markers are on one frame, the last one is used. Raises
    ShotError if there is no shot.
    """
    begins = sorted(dict(markers).items())
    ends = [frame for frame, _ in begins[1:]] + [frames.stop]
    shots = []
    for (begin, name), end in zip(begins, ends, strict=False):
        inside = range(max(begin, frames.start), min(end, frames.stop))
        if inside:
            shots.append(replace(of_scene(scene, inside), name=name.strip() or f"{scene} {inside.start}"))
    if not shots:
        raise ShotError(
            TranslatableText(
                "The scene {scene} has no marker before its end at frame {last}: go to the first frame of each shot "
                "and press M in the Timeline.",
                scene=repr(scene),
                last=frames.stop - 1,
            )
        )
    return with_unique_names(shots)


def from_spans(timeline: str, spans: Iterable[Span]) -> list[BatchShot]:
    """The shots of strips, in timeline order; strips that show the same frames are one shot. Raises ShotError if there
    is none."""
    shots: dict[tuple[str, int, int], BatchShot] = {}
    for span in sorted(spans, key=lambda span: span.frames.start):
        frames = range(span.first, span.first + len(span.frames))
        shot = BatchShot(span.name, span.scene, frames, timeline, span.frames.start)
        shots.setdefault((span.scene, frames.start, frames.stop), shot)
    if not shots:
        raise ShotError(
            TranslatableText(
                "No strip that shows a shot is selected: select scene, image, movie or color strips in the Sequencer."
            )
        )
    return with_unique_names(shots.values())


def clipped(shot: BatchShot, frames: range) -> BatchShot:
    """The part of a shot within `frames`, at its place in the timeline; it may be empty."""
    inside = range(max(shot.frames.start, frames.start), min(shot.frames.stop, frames.stop))
    return replace(shot, frames=inside, start=shot.start + inside.start - shot.frames.start)


def with_unique_names(shots: Iterable[BatchShot], taken: Iterable[str] = ()) -> list[BatchShot]:
    """Rename shots so that their names, also as folder names, differ from each other and from those in `taken`."""
    known = {_folder_name(name) for name in taken}
    renamed = []
    for shot in shots:
        name, count = shot.name, 1
        while _folder_name(name) in known:
            count += 1
            name = f"{shot.name} {count}"
        known.add(_folder_name(name))
        renamed.append(replace(shot, name=name))
    return renamed


def problem_of(frames: range, painted: Collection[int]) -> str:
    """Why these frames cannot be colored with these painted frames, and what to do; "" if they can."""
    if not frames:
        return TranslatableText(
            "The shot ends before it begins, at frame {first}: set its end at or after its start.", first=frames.start
        )
    if not any(frame in frames for frame in painted):
        return TranslatableText(
            "There is no painted keyframe between frames {first} and {last}: jump to the shot, go to a painted frame "
            "and press Use This Frame as Keyframe.",
            first=frames.start,
            last=frames.stop - 1,
        )
    return ""


def _folder_name(name: str) -> str:
    """Reduce a name to what every file system keeps apart: many ignore case, and none allows every character."""
    return re.sub(r"\W", "_", name).casefold()
