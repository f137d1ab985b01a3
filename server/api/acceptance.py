# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked before a job is queued, so that nothing fails an hour later that could fail at once."""

from server.colorize.presets import UnknownPreset, find_preset
from server.images import ImageError, read_line_art, read_mask, read_size
from server.problems import ProblemError
from server.storage.blobs import Blobs
from shared.protocol import Limits, ShotManifest

LINE_GREY = 250
"""Grey below this is a line; above it is paper, or what compression left on it."""

MAX_TEXT = 10_000
"""Most characters of a name or a prompt."""


def check_manifest(manifest: ShotManifest, limits: Limits) -> None:
    """Check what can be told without the images; raises ProblemError."""
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
    for field, text in (("name", manifest.name), ("prompt", manifest.prompt)):
        if len(text) > MAX_TEXT or any("\ud800" <= letter <= "\udfff" for letter in text):
            _refuse("bad_text", field, f"The {field} must be proper Unicode of at most {MAX_TEXT} characters.")
    if not 0 <= manifest.seed < 2**63:
        _refuse("bad_seed", "seed", f"The seed must lie between 0 and 2⁶³ − 1, not {manifest.seed}.")
    try:
        find_preset(manifest.preset)
    except UnknownPreset as error:
        raise ProblemError(422, "unknown_preset", str(error), "preset") from error


def check_images(manifest: ShotManifest, blobs: Blobs) -> None:
    """Check that every blob is there and is an image of the shot's size; raises ProblemError."""
    missing = tuple(address for address in manifest.blobs if address not in blobs)
    if missing:
        raise ProblemError(
            409, "missing_blobs", f"{len(missing)} images are not on the server: upload them first.", missing=missing
        )
    has_lines = False
    for index, address in enumerate(manifest.drawings):
        frame = manifest.exposure.first_frame_of(index)
        content = _checked(blobs, address, manifest, f"drawings.{index}", f"The drawing of frame {frame}")
        try:
            has_lines |= bool((read_line_art(content, f"The drawing of frame {frame}") < LINE_GREY).any())
        except ImageError as error:
            raise ProblemError(422, "bad_image", str(error), f"drawings.{index}") from error
    if not has_lines:
        _refuse(
            "no_lines",
            "drawings",
            "All drawings of the shot are blank: check that the line art is visible in the exported range "
            "and drawn in dark lines.",
        )
    transparent = False
    for index, keyframe in enumerate(manifest.keyframes):
        field = f"keyframes.{index}.blob"
        content = _checked(blobs, keyframe.blob, manifest, field, f"The keyframe of frame {keyframe.frame}")
        try:
            transparent |= bool(read_mask(content, f"The keyframe of frame {keyframe.frame}").any())
        except ImageError as error:
            raise ProblemError(422, "bad_image", str(error), field) from error
    if manifest.background == "generated" and not transparent:
        _refuse(
            "nothing_transparent",
            "background",
            "No keyframe has a transparent part where a background could be generated: export one with transparency, "
            "or keep the background.",
        )


def _checked(blobs: Blobs, address: str, manifest: ShotManifest, field: str, name: str) -> bytes:
    """Read a blob whose header promises a PNG of the shot's size; nothing is decoded before."""
    content = blobs.read(address)
    try:
        width, height = read_size(content, name)
    except ImageError as error:
        raise ProblemError(422, "bad_image", str(error), field) from error
    if (width, height) != (manifest.width, manifest.height):
        _refuse(
            "wrong_size",
            field,
            f"{name} is {width}×{height}; the shot is {manifest.width}×{manifest.height}: export every "
            "drawing and keyframe at the shot's size.",
        )
    return content


def _refuse(code: str, field: str, sentence: str) -> None:
    raise ProblemError(422, code, sentence, field)
