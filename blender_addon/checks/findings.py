# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds problems of an exported take before it is sent, or while it is colored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..compositing import line_art_of
from ..png_pixels import read_png, write_png
from ..shared.checks import drawing_difference
from ..shared.checks.alignment import align, fit
from ..shared.checks.flaws import Flaw, Severity, check_drawing, check_keyframe
from ..shared.checks.gaps import find_gaps
from ..shared.translatable_text import TranslatableText
from ..takes.take import Take, frame_name
from .overlay import draw_cut, draw_gaps, draw_keyframe

_GAP = 0.008
"""The widest gap in an outline that is reported, as a share of the picture's height."""


@dataclass(frozen=True)
class Finding:
    """Something about a frame that the animator may want to look at; `frame` is its number in the shot.

    last: the last frame for which the drawing is held there; of a keyframe, its own frame. fits: the frame's keyframe
    can be fitted to its drawing. pictured: an overlay image shows it.
    """

    severity: Severity
    frame: int
    last: int
    sentence: TranslatableText
    fits: bool = False
    pictured: bool = False


def inspect(take: Take) -> Iterator[tuple[int, int, list[Finding]]]:
    """Check a take's drawings and keyframes, one image per step; yields images done, total images, and findings.

    Overlay images of the findings go to the take's folder `checks`, named after the first frame that shows the drawing.
    Raises ShotError if an image cannot be read.
    """
    exposure = take.manifest.exposure
    first_frames = [exposure.first_frame_of(drawing) for drawing in range(exposure.drawing_count)]
    total = len(first_frames) + len(take.manifest.keyframes)
    overlays = take.folder / "checks"
    overlays.mkdir(exist_ok=True)
    before: np.ndarray | None = None
    for done, (frame, held) in enumerate(zip(first_frames, exposure.holds, strict=True), start=1):
        line_art = line_art_of(read_png(take.lineart / frame_name(frame)))
        found, before = _inspect_drawing(line_art, frame, before, overlays)
        yield done, total, [replace(one, last=frame + held - 1) for one in found]
    for done, keyframe in enumerate(take.manifest.keyframes, start=len(first_frames) + 1):
        yield done, total, _inspect_keyframe(take, keyframe.frame, overlays)


def _inspect_drawing(
    line_art: np.ndarray, frame: int, before: np.ndarray | None, overlays: Path
) -> tuple[list[Finding], np.ndarray | None]:
    """Check one drawing; returns the findings, and the small picture that the next drawing is compared with."""
    if (flaw := check_drawing(line_art)) is not None:
        return [_finding(flaw, frame)], before
    small = drawing_difference.small_ink(line_art)
    found = []
    overlay = np.zeros((*line_art.shape, 4), np.uint8)
    gaps = find_gaps(line_art, max(3, round(_GAP * line_art.shape[0])))
    if gaps:
        sentence = TranslatableText(
            "Open outlines: {count}. Colors may leak there; close them, or look at the result.", count=len(gaps)
        )
        found.append(Finding("note", frame, frame, sentence, pictured=True))
        draw_gaps(overlay, gaps)
    if before is not None and drawing_difference.difference(before, small) >= drawing_difference.CUT:
        sentence = TranslatableText(
            "Probably a cut: color what comes after it as a separate shot, or paint a keyframe."
        )
        found.append(Finding("warning", frame, frame, sentence, pictured=True))
        draw_cut(overlay)
    if found:
        write_png(overlays / frame_name(frame), overlay)
    return found, small


def _inspect_keyframe(take: Take, frame: int, overlays: Path) -> list[Finding]:
    """Check a painted keyframe against its drawing."""
    painting, line_art = _keyframe(take, frame)
    if painting.ndim == 2:
        painting = np.dstack([painting] * 3)
    flaw = check_keyframe(painting, line_art, _drawings(take))
    if flaw is None:
        return []
    if flaw.code == "misaligned":
        path = overlays / frame_name(_first_frame(take, frame))
        overlay = read_png(path) if path.is_file() else np.zeros((*line_art.shape, 4), np.uint8)
        draw_keyframe(overlay, painting)
        write_png(path, overlay)
        return [replace(_finding(flaw, frame), fits=True, pictured=True)]
    return [_finding(flaw, frame)]


def _finding(flaw: Flaw, frame: int) -> Finding:
    return Finding(flaw.severity, frame, frame, TranslatableText(flaw.template, **flaw.values))


def _drawings(take: Take) -> Iterator[tuple[int, np.ndarray]]:
    """The line art of each drawing, with the first frame that shows it."""
    exposure = take.manifest.exposure
    for frame in map(exposure.first_frame_of, range(exposure.drawing_count)):
        yield frame, line_art_of(read_png(take.lineart / frame_name(frame)))


def fitted_keyframe(take: Take, frame: int) -> np.ndarray:
    """A take's keyframe, fitted to its drawing, uint8 [H, W, 3 or 4]. Raises ShotError if it cannot be read."""
    painting, line_art = _keyframe(take, frame)
    return fit(painting, align(painting, line_art), (take.manifest.width, take.manifest.height))


def _keyframe(take: Take, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """A painted keyframe, and the line art of its drawing."""
    line_art = line_art_of(read_png(take.lineart / frame_name(_first_frame(take, frame))))
    return read_png(take.keyframes / frame_name(frame)), line_art


def _first_frame(take: Take, frame: int) -> int:
    """The first frame that shows the drawing of a frame."""
    return take.manifest.exposure.first_frame_of(take.manifest.exposure.drawing_at(frame))
