# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a manifest and its blobs to a shot, and a finished segment to blobs and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from server.coloring.line_art.drawing import read_drawing
from server.coloring.line_art.model_sheet import read_sheet
from server.coloring.shot import SegmentResult, Shot, open_drawings
from server.coloring.shot_checks import describe_blank, drawing_errors
from server.images.codec import encode_png, read_frame, read_rgba
from shared.checks.flaws import Flaw
from shared.manifest import ShotManifest
from shared.timing import Exposure

from .patience import PatientBlobs

MOST_NAMED = 5
"""The most frames that the message about guesses lists."""


def read_shot(manifest: ShotManifest, blobs: PatientBlobs) -> Shot:
    """Return the shot that `manifest` describes. Its drawings are read lazily."""
    keyframes = {manifest.exposure.drawing_at(one.frame): blobs.read(one.blob) for one in manifest.keyframes}
    drawings, inks = open_drawings(
        manifest.drawings, lambda address: read_drawing(read_rgba(blobs.read(address)), manifest.traces)
    )
    return Shot(
        drawings=drawings,
        inks=inks,
        keyframes={drawing: read_rgba(content) for drawing, content in keyframes.items()},
        prompt=manifest.prompt,
        seed=manifest.seed,
        finish=manifest.finish,
        quality=manifest.quality,
        background=manifest.background,
        holds=manifest.exposure.holds,
        sheets=[read_sheet(read_rgba(blobs.read(address))) for address in manifest.sheets],
        palette=manifest.palette,
        trace_fill=manifest.trace_fill,
        gap=manifest.gap,
        smallest_region=manifest.smallest_region,
        corrections=[keyframe.correction for keyframe in manifest.keyframes],
    )


def describe_images(
    shot: Shot,
    manifest: ShotManifest,
    flaws: Mapping[int, Flaw],
    changes: Mapping[int, str],
    blank: Collection[int] = (),
) -> list[str]:
    """Describe what may be wrong with the images of a shot, and what is changed in keyframes, each with the frame.

    flaws, changes: see `fit_keyframes`. blank: drawings without lines. Errors of drawings, which the API stops at, are
    found only if the manifest accepts them.
    """
    exposure = manifest.exposure
    first = exposure.first_frame_of
    frame_of = {manifest.exposure.drawing_at(keyframe.frame): keyframe.frame for keyframe in manifest.keyframes}
    found = [
        (first(drawing), flaw) for drawing, flaw in drawing_errors(shot.drawings if manifest.accept_errors else ())
    ]
    found += [(frame_of[drawing], flaw) for drawing, flaw in flaws.items()]
    sentences = [f"Frame {frame}: {flaw.sentence}" for frame, flaw in found]
    sentences += [f"Frame {frame_of[drawing]}: {change}" for drawing, change in changes.items()]
    shown = [frame for frame in exposure.frames if exposure.drawing_at(frame) in blank]
    return [*sentences, describe_blank(shown)] if shown else sentences


def store_segment(result: SegmentResult, blobs: PatientBlobs, owner: str) -> dict[str, Any]:
    """Store a finished segment. Return its addresses (`frames` by drawing, `state`), and in `guesses`, for each
    drawing, the share of the picture whose color is a guess."""
    *frames, state = blobs.write_all([*map(encode_png, result.frames.values()), result.state], owner)
    guesses = {drawing: sum(guess.share for guess in found) for drawing, found in result.guesses.items()}
    return {"frames": dict(zip(result.frames, frames, strict=True)), "state": state, "guesses": guesses}


def load_segment(addresses: dict[str, Any], blobs: PatientBlobs) -> SegmentResult:
    """Return the parts of a stored segment that later segments need, by its addresses. Raises MissingBlob."""
    frames = {int(drawing): read_frame(blobs.read(blob)) for drawing, blob in addresses["frames"].items()}
    return SegmentResult(frames=frames, state=blobs.read(addresses["state"]))


def describe_guesses(shares: Mapping[int, float], exposure: Exposure) -> str:
    """Describe in which frames regions may have the wrong color, and in what share of the picture, the worst first.

    shares: shares of the picture, by drawing.
    """
    worst = sorted(shares, key=lambda drawing: -shares[drawing])
    named = [f"{exposure.first_frame_of(drawing)} ({shares[drawing]:.1%})" for drawing in worst[:MOST_NAMED]]
    rest = f" and {len(worst) - MOST_NAMED} more" if len(worst) > MOST_NAMED else ""
    return f"Colors are partly a guess in frames {', '.join(named)}{rest}." if named else ""
