# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads OpenEXR files, which have linear light and premultiplied alpha, as sRGB with straight alpha."""

from __future__ import annotations

from typing import IO, Any, NamedTuple

import numpy as np

from server.images.color_profile import encode_srgb, matrix_to_srgb

_ROWS = 256
"""How many rows are converted at a time, which bounds the memory."""
_FAILURES = (RuntimeError, ValueError, TypeError, IndexError, KeyError, OverflowError)
"""The exceptions that OpenEXR raises for a damaged file."""


class ExrError(Exception):
    """A file is not a picture that can be colored; the message says what it has, as the end of a sentence."""


class DamagedExr(ExrError):
    """A file is cut short or otherwise damaged."""


class Header(NamedTuple):
    """What an EXR file says about its picture.

    size: width and height of the display window. samples: how many numbers are read in all. part: where the picture's
    channels are. names: those of red, green and blue, or of gray alone, then that of alpha, if there is one.
    pixel_aspect: the width of a pixel over its height.
    """

    size: tuple[int, int]
    samples: int
    part: int
    names: tuple[str, ...]
    pixel_aspect: float


def read_header(stream: IO[bytes]) -> Header:
    """Read what an EXR file has, but no pixels. Raises ExrError if it has no picture in color or gray."""
    parts = [part.header for part in _open(stream, header_only=True).parts]
    try:
        layers: dict[tuple[int, str], tuple[str, ...]] = {}
        samples = 0
        for index, part in enumerate(parts):
            if "deep" in str(part["type"]):
                raise ExrError("has deep pixels")
            channels = [one.name for one in part["channels"] if one.xSampling == one.ySampling == 1]
            samples += _area(part["dataWindow"]) * len(part["channels"])
            layers |= {(index, layer): names for layer, names in _layers(channels).items()}
        place = _beauty(layers)
        window = parts[place[0]]["displayWindow"]
        aspect = float(parts[place[0]]["pixelAspectRatio"])
        width, height = (int(high) - int(low) + 1 for low, high in zip(*window, strict=True))
    except _FAILURES as error:
        raise DamagedExr from error
    if min(width, height) < 1 or not 0.01 < aspect < 100:
        raise DamagedExr
    return Header((width, height), samples, place[0], layers[place], aspect)


def read_exr(stream: IO[bytes], header: Header) -> np.ndarray:
    """Read the picture that a header describes, as RGBA uint8 [H, W, 4] in sRGB.

    Light above 1 becomes white, as in Blender's view *Standard*. What lies outside the data window is transparent.
    Raises ExrError, or ColorProfileError for chromaticities that describe no color space.
    """
    file = _open(stream, header_only=False)
    try:
        part = file.parts[header.part].header
        channels = file.channels(header.part)
        planes = [channels[name].pixels for name in header.names]
        (left, top), (right, bottom) = (map(int, corner) for corner in part["dataWindow"])
        primaries = _chromaticities(part)
        x, y = (int(low) for low in part["displayWindow"][0])
        if any(plane.shape != (bottom - top + 1, right - left + 1) for plane in planes):
            raise DamagedExr
    except _FAILURES as error:
        raise DamagedExr from error
    matrix = matrix_to_srgb(primaries)
    width, height = header.size
    picture = np.zeros((height, width, 4), np.uint8)
    first, last = max(left, x), min(right, x + width - 1)
    for row in range(max(top, y), min(bottom, y + height - 1) + 1, _ROWS):
        end = min(row + _ROWS, bottom + 1, y + height)
        rows = [plane[row - top : end - top, first - left : last - left + 1].astype(np.float32) for plane in planes]
        picture[row - y : end - y, first - x : last - x + 1] = _to_pixels(rows, matrix)
    return picture


def _to_pixels(planes: list[np.ndarray], matrix: np.ndarray | None) -> np.ndarray:
    """Convert premultiplied light, float32 [H, W] a channel, to RGBA uint8 [H, W, 4]."""
    has_alpha = len(planes) in (2, 4)
    alpha = np.nan_to_num(planes[-1], posinf=1).clip(0, 1) if has_alpha else np.ones_like(planes[0])
    colors = planes[:-1] if has_alpha else planes
    light = np.nan_to_num(np.stack(colors * 3 if len(colors) == 1 else colors, axis=-1))
    light /= np.where(alpha > 0, alpha, 1)[..., None]
    return np.dstack([encode_srgb(light if matrix is None else light @ matrix.T), np.rint(255 * alpha)])


def _open(stream: IO[bytes], header_only: bool) -> Any:
    import OpenEXR  # few files need it

    try:
        file = OpenEXR.File(stream, separate_channels=True, header_only=header_only, num_threads=0)
    except _FAILURES as error:
        raise DamagedExr from error
    if not file.parts:  # OpenEXR only warns of damaged pixels
        raise DamagedExr
    return file


def _area(window: Any) -> int:
    (left, top), (right, bottom) = window
    return max(0, int(right) - int(left) + 1) * max(0, int(bottom) - int(top) + 1)


def _layers(channels: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the channels of each layer that is a picture, by the layer's name, which is "" for the main one."""
    grouped: dict[str, dict[str, str]] = {}
    for name in channels:
        layer, _, channel = name.rpartition(".")
        grouped.setdefault(layer, {})[channel] = name
    return {
        layer: tuple(found[channel] for channel in (*colors, "A") if channel in found)
        for layer, found in grouped.items()
        for colors in ("RGB", "Y")
        if set(colors) <= set(found)
    }


def _beauty(layers: dict[tuple[int, str], tuple[str, ...]]) -> tuple[int, str]:
    """Return which layer is the picture: the main one, that which Blender calls Combined, or the only one."""
    for name in ("", "Combined"):
        if found := [place for place in layers if place[1].rpartition(".")[2] == name]:
            return found[0]
    if not layers:
        raise ExrError("has no channels R, G and B")
    if len(layers) > 1:
        raise ExrError(f"has the layers {', '.join(sorted(layer for _, layer in layers))}, and none is the main one")
    return next(iter(layers))


def _chromaticities(part: dict[str, Any]) -> tuple[float, ...] | None:
    """Return x and y of white, red, green and blue, or None for sRGB's."""
    import OpenEXR

    found = part.get("chromaticities") or OpenEXR.colorInteropIDToChromaticities(part.get("colorInteropID", ""))
    return None if found is None else (*found[6:], *found[:6])
