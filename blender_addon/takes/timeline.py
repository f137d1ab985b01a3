# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as a timeline of OpenTimelineIO (.otio), one clip a take.

The file is JSON, in the schemas that OpenTimelineIO documents (Timeline.1, Stack.1, Track.1, Clip.2, Gap.1,
ImageSequenceReference.1). Blender has no library for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files import replacing
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from .take import Take

SUFFIX = ".otio"


def write_timeline(path: Path, takes: Sequence[Take]) -> None:
    """Write a timeline with these takes, at least one. Raises ShotError or OSError.

    Takes that are in one Sequencer, at one frame rate, are where they are there; what overlaps is on a further track.
    Otherwise they follow each other, in the order in which they are given.
    """
    for take in takes:
        if take.manifest.frame_start < 0:
            raise ShotError(
                TranslatableText(
                    "{take} begins at frame {frame}; a timeline can only name pictures from frame 0 on: color the shot "
                    "from there.",
                    take=take.title,
                    frame=take.manifest.frame_start,
                )
            )
    document = _object(
        "Timeline.1",
        path.stem,
        global_start_time=None,
        tracks=_object("Stack.1", "tracks", **_ITEM, children=[_track(items) for items in _tracks(takes)]),
    )
    with replacing(path) as partial:
        partial.write_text(json.dumps(document, indent=1), encoding="utf-8")


_ITEM: dict[str, Any] = {"source_range": None, "effects": [], "markers": [], "enabled": True}


def _tracks(takes: Sequence[Take]) -> list[list[dict[str, Any]]]:
    """The clips and gaps of each track, the lowest first."""
    if len({(take.placement.scene, take.placement.blend, take.manifest.fps) for take in takes}) > 1:
        return [[_clip(take) for take in takes]]
    ordered = sorted(takes, key=lambda take: take.placement.start)
    begin = ordered[0].placement.start
    tracks: list[list[dict[str, Any]]] = []
    ends: list[int] = []
    for take in ordered:
        start = take.placement.start - begin
        level = next((level for level, end in enumerate(ends) if end <= start), len(tracks))
        if level == len(tracks):
            tracks.append([])
            ends.append(0)
        if start > ends[level]:
            tracks[level].append(_gap(start - ends[level], take.manifest.fps))
        tracks[level].append(_clip(take))
        ends[level] = start + len(take.manifest.timing)
    return tracks


def _track(items: list[dict[str, Any]]) -> dict[str, Any]:
    return _object("Track.1", "Colors", **_ITEM, children=items, kind="Video")


def _gap(frames: int, rate: float) -> dict[str, Any]:
    return _object("Gap.1", "", **_ITEM | {"source_range": _range(0, frames, rate)})


def _clip(take: Take) -> dict[str, Any]:
    """A take as a clip: the frames of its colored pictures, by their own numbers."""
    shot = take.manifest
    frames = _range(shot.frame_start, len(shot.timing), shot.fps)
    pictures = _object(
        "ImageSequenceReference.1",
        "",
        available_range=frames,
        available_image_bounds=None,
        target_url_base=f"{take.colored.absolute().as_uri()}/",
        name_prefix="",
        name_suffix=".png",
        start_frame=shot.frame_start,
        frame_step=1,
        rate=shot.fps,
        frame_zero_padding=4,
        missing_frame_policy="error",
    )
    told = {"take": take.number, "job": take.job, "preset": shot.preset, "seed": shot.seed, "note": take.note}
    return _object(
        "Clip.2",
        shot.name,
        metadata={"longanimation": told},
        **_ITEM | {"source_range": frames},
        media_references={"DEFAULT_MEDIA": pictures},
        active_media_reference_key="DEFAULT_MEDIA",
    )


def _range(start: int, frames: int, rate: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, rate), "duration": _time(frames, rate)}


def _time(value: int, rate: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(value), "rate": float(rate)}


def _object(schema: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "name": name, "metadata": {}, **fields}
