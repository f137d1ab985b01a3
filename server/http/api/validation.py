# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks before a job is queued, so that errors appear immediately instead of an hour later."""

from __future__ import annotations

import threading

import numpy as np

from server.http.problems import ProblemError
from server.images.codec import ImageError, read_rgba
from server.presets.preset import NoBackgrounds, UnknownPreset, check_background, find_preset
from server.storage.blobs import Blobs
from server.storage.image_facts import ImageFacts, ImageFactsTable
from shared.checks.flaws import CLEAR, SWAPPED, Flaw, is_clear
from shared.manifest import ShotManifest
from shared.server_info import Limits

MAX_TEXT = 10_000
"""The most characters in a name, a prompt or a parent."""
MOST_FRAME_NUMBER = 1_048_574

_DECODING = threading.Semaphore(2)  # an 8K image briefly needs a third of a gigabyte


def check_manifest(manifest: ShotManifest, limits: Limits) -> None:
    """Check what can be checked without the images. Raises ProblemError."""
    pixels = manifest.width * manifest.height
    if pixels > limits.image_pixels:
        _refuse(
            "too_many_pixels",
            "width",
            f"The shot is {manifest.width}×{manifest.height}, {pixels} pixels; this server accepts "
            f"{limits.image_pixels}: export it smaller.",
        )
    if len(manifest.drawings) > limits.drawings:
        _refuse(
            "too_many_drawings",
            "drawings",
            f"The shot has {len(manifest.drawings)} drawings; this server accepts {limits.drawings}: split the shot.",
        )
    if len(manifest.timing) > limits.frames:
        _refuse(
            "too_many_frames",
            "timing",
            f"The shot has {len(manifest.timing)} frames; this server accepts {limits.frames}: split the shot.",
        )
    if not -MOST_FRAME_NUMBER <= manifest.frame_start <= MOST_FRAME_NUMBER:
        _refuse("bad_frame", "frame_start", f"Frame numbers go up to {MOST_FRAME_NUMBER}, as in Blender.")
    for field, text in (("name", manifest.name), ("prompt", manifest.prompt), ("parent", manifest.parent or "")):
        if len(text) > MAX_TEXT or any("\ud800" <= letter <= "\udfff" for letter in text):
            _refuse("bad_text", field, f"The {field} must be valid Unicode of at most {MAX_TEXT} characters.")
    if not 0 <= manifest.seed < 2**63:
        _refuse("bad_seed", "seed", f"The seed must lie between 0 and 2⁶³ − 1, not {manifest.seed}.")
    try:
        check_background(find_preset(manifest.preset), manifest.background)
    except UnknownPreset as error:
        raise ProblemError(422, "unknown_preset", str(error), "preset") from error
    except NoBackgrounds as error:
        raise ProblemError(422, "no_generated_background", str(error), "background") from error


def look_at(content: bytes, name: str) -> ImageFacts:
    """Decode an image after checking its size, and return the facts that a job's checks need. Raises ImageError."""
    with _DECODING:
        pixels = read_rgba(content, name)
        has_lines, is_swapped = _lines(pixels)
    height, width, _ = pixels.shape
    return ImageFacts(
        width,
        height,
        has_lines,
        has_transparency=bool((pixels[..., 3] < 128).any()),
        is_swapped=is_swapped,
        is_clear=is_clear(pixels),
    )


def check_images(manifest: ShotManifest, blobs: Blobs, image_facts: ImageFactsTable) -> None:
    """Check that every blob exists and is an image of the shot's size, and stop at errors of the checks that the
    extension and the command line share, unless the manifest accepts them. Raises ProblemError."""
    missing = tuple(blobs.missing(manifest.blobs))
    if missing:
        raise ProblemError(
            409, "missing_blobs", f"{len(missing)} images are not on the server: upload them first.", missing=missing
        )
    known = image_facts.find(manifest.blobs)

    def checked(address: str, field: str, name: str) -> ImageFacts:
        if address not in known:
            try:
                known[address] = look_at(blobs.read(address), name)
            except ImageError as error:
                raise ProblemError(422, "bad_image", str(error), field) from error
            image_facts.record(address, known[address])
        picture = known[address]
        if (picture.width, picture.height) != (manifest.width, manifest.height):
            _refuse(
                "wrong_size",
                field,
                f"{name} is {picture.width}×{picture.height}; the shot is {manifest.width}×{manifest.height}: export "
                "every drawing and keyframe at the shot's size.",
            )
        return picture

    drawings = [
        checked(address, f"drawings.{index}", f"The drawing of frame {manifest.exposure.first_frame_of(index)}")
        for index, address in enumerate(manifest.drawings)
    ]
    if not any(drawing.has_lines for drawing in drawings):
        _refuse(
            "no_lines",
            "drawings",
            "All drawings of the shot are blank: check that the line art is visible in the exported range.",
        )
    keyframes = [
        checked(keyframe.blob, f"keyframes.{index}.blob", f"The keyframe of frame {keyframe.frame}")
        for index, keyframe in enumerate(manifest.keyframes)
    ]
    for index, address in enumerate(manifest.sheets):
        _check_sheet(blobs.read(address), index)
    if not manifest.accept_errors:
        for index, drawing in enumerate(drawings):
            if drawing.is_swapped:
                _stop(SWAPPED, f"drawings.{index}", manifest.exposure.first_frame_of(index))
        for index, keyframe in enumerate(keyframes):
            if keyframe.is_clear:
                _stop(CLEAR, f"keyframes.{index}.blob", manifest.keyframes[index].frame)
    if manifest.background == "generated" and not any(keyframe.has_transparency for keyframe in keyframes):
        _refuse(
            "nothing_transparent",
            "background",
            "No keyframe has a transparent part where a background could be generated: export one with transparency, "
            "or keep the background.",
        )


def _check_sheet(content: bytes, index: int) -> None:
    """Check that a model sheet shows something. It may have any size."""
    from server.coloring.line_art.model_sheet import EmptySheet, read_sheet

    field, name = f"sheets.{index}", f"Model sheet {index + 1}"
    try:
        with _DECODING:
            read_sheet(read_rgba(content, name))
    except EmptySheet as error:
        _refuse("empty_sheet", field, str(error))
    except ImageError as error:
        raise ProblemError(422, "bad_image", str(error), field) from error


def _lines(pixels: np.ndarray) -> tuple[bool, bool]:
    """Return whether a picture has lines, and whether they are light on a dark ground."""
    # This import takes half a second, which would delay the start of the server.
    from server.coloring.line_art.drawing import LineFault, line_fault, read_drawing

    fault = line_fault(read_drawing(pixels).line_art)
    return fault is not LineFault.BLANK, fault is LineFault.LIGHT_ON_DARK


def _stop(flaw: Flaw, field: str, frame: int) -> None:
    sentence = f"Frame {frame}: {flaw.sentence} If it is meant so, send it with accept_errors."
    _refuse(f"{flaw.code}_image", field, sentence)


def _refuse(code: str, field: str, sentence: str) -> None:
    raise ProblemError(422, code, sentence, field)
