# SPDX-License-Identifier: GPL-3.0-or-later
"""A take that corrects another one: the same drawings and settings, with one more painted keyframe.

The keyframes keep their order and the new one comes last. The server then colors only what depends on it.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import replace
from pathlib import Path

from ..shared.manifest import Keyframe
from .take import Take, address_of_file, copy_whole, frame_name, whole_folder


def correct(take: Take, frame: int, painting: Path, folder: Path, number: int) -> Take:
    """Make a take in the new folder `folder` from `take`, with `painting` as the keyframe of `frame`.

    A keyframe of the same drawing is replaced. number: number of the new take. If it fails, `folder` is not created.
    Raises OSError.
    """
    with whole_folder(folder) as work:
        (work / "keyframes").mkdir()
        for source in (take.lineart, take.sheets, take.background):
            link_folder(source, work / source.name)
        keyframes = with_keyframe(take, Keyframe(frame, address_of_file(painting)))
        for keyframe in keyframes:
            source = painting if keyframe.frame == frame else take.keyframes / frame_name(keyframe.frame)
            copy_whole(source, work / "keyframes" / frame_name(keyframe.frame))
        corrected = Take(
            folder=work,
            job=str(uuid.uuid4()),
            manifest=replace(take.manifest, keyframes=keyframes, parent=take.job),
            placement=take.placement,
            server=take.server,
            palette=take.palette,
            number=number,
            has_lines=True,
            created=time.time(),
        )
        corrected.save()
    return replace(corrected, folder=folder)


def with_keyframe(take: Take, corrected: Keyframe) -> tuple[Keyframe, ...]:
    """Add a keyframe to the take's keyframes: it replaces one of the same drawing, or else comes last, as a correction.

    A replaced one changes everything that was colored from it.
    """
    exposure = take.manifest.exposure
    drawing = exposure.drawing_at(corrected.frame)
    keyframes = take.manifest.keyframes
    if not any(exposure.drawing_at(one.frame) == drawing for one in keyframes):
        return (*keyframes, replace(corrected, correction=keyframes[-1].correction + 1))
    return tuple(
        replace(corrected, correction=one.correction) if exposure.drawing_at(one.frame) == drawing else one
        for one in keyframes
    )


def link_folder(source: Path, target: Path) -> None:
    """Make the new folder `target` with links to the PNGs of `source`, if there is such a folder."""
    if source.is_dir():
        target.mkdir()
        for path in source.glob("*.png"):
            link(path, target / path.name)


def link(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`, or a copy if the file system does not support links."""
    try:
        os.link(source, target)
    except OSError:
        copy_whole(source, target)
