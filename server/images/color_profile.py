# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts images to sRGB from the color space that their file names."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageCms

Primaries = tuple[float, ...]
"""Chromaticities x and y of white, red, green and blue, in the order of the chunk cHRM."""

_D65 = (0.3127, 0.3290)
_SRGB: Primaries = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES: dict[int, Primaries] = {
    1: _SRGB,
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""By their number in ITU-T H.273, table 2, which the chunk cICP uses."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""The cone responses in which white is adapted, as in ICC profiles."""

_SAME_GAMMA = 0.05
"""A gamma that differs from 1/2.2 by less than this part stands for sRGB's own curve, as in libpng."""
_SAME_PLACE = 0.003
"""Chromaticities that differ by less are the same."""
_SAME_VALUE = 2
"""A profile that changes no channel by more than this is sRGB, in other words: the image keeps its exact numbers."""
_ROWS = 256
"""How many rows are converted at a time, which bounds the memory."""


class ColorProfileError(ValueError):
    """The color space of an image cannot be used."""


def to_srgb(image: Image.Image, is_gray: bool, info: Mapping[Any, Any], cicp: bytes | None) -> Image.Image:
    """Convert an RGBA image to sRGB. Raises ColorProfileError.

    is_gray: whether the file has no colors, so that its profile may be one of grays. info: what Pillow read before the
    pixels. cicp: the content of the chunk cICP, or None. The order of precedence is that of the PNG specification,
    third edition, §4.3: cICP, iCCP, sRGB, then gAMA and cHRM.
    """
    if cicp is not None and len(cicp) == 4 and 2 not in cicp[:2]:  # 2 is "unspecified"
        if cicp[0] not in _PRIMARIES or cicp[1] not in _CURVES:
            raise ColorProfileError
        return _from_space(image, _PRIMARIES[cicp[0]], _CURVES[cicp[1]])
    if info.get("icc_profile"):
        return _from_profile(image, is_gray, info["icc_profile"])
    if "srgb" in info:
        return image
    gamma = info.get("gamma") or 1 / 2.2
    is_usual = abs(gamma * 2.2 - 1) <= _SAME_GAMMA
    return _from_space(
        image, info.get("chromaticity") or _SRGB, _srgb_curve if is_usual else partial(_power, 1 / gamma)
    )


def cmyk_to_srgb(image: Image.Image, content: bytes) -> Image.Image:
    """Convert an image of four inks to RGB by its ICC profile. Raises ColorProfileError."""
    converted = ImageCms.applyTransform(image, _transform(content, {"CMYK": "CMYK"})[1])
    assert converted is not None
    return converted


def matrix_to_srgb(primaries: Primaries | None) -> np.ndarray | None:
    """Return the matrix float32 [3, 3] to sRGB's primaries from other ones; None if they are sRGB's, or not given.

    Raises ColorProfileError.
    """
    if primaries is None or np.abs(np.subtract(primaries, _SRGB)).max() <= _SAME_PLACE:
        return None
    try:
        with np.errstate(all="raise"):
            return (np.linalg.inv(_to_xyz(_SRGB)) @ _to_xyz(primaries)).astype(np.float32)
    except (ArithmeticError, np.linalg.LinAlgError) as error:  # no three primaries around a white
        raise ColorProfileError from error


def encode_srgb(light: np.ndarray) -> np.ndarray:
    """Encode linear light of sRGB's primaries, float32 [H, W, 3], as sRGB uint8 [H, W, 3]. It is clipped to 0..1."""
    light = light.clip(0, 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * curve).astype(np.uint8)


def _transform(content: bytes, modes: Mapping[str, str]) -> tuple[str, ImageCms.ImageCmsTransform]:
    """Return the conversion to sRGB of an ICC profile, and the image's mode for it, which `modes` has by the profile's
    color space. Raises ColorProfileError."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
        mode = modes[profile.profile.xcolor_space.strip()]
        return mode, ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError) as error:
        raise ColorProfileError from error


def _from_profile(image: Image.Image, is_gray: bool, content: bytes) -> Image.Image:
    mode, convert = _transform(content, {"RGB": "RGB", "GRAY": "L"} if is_gray else {"RGB": "RGB"})
    steps = np.arange(0, 256, 15).astype(np.uint8)
    probe = Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(len(steps), -1, 3))
    if mode == "L":
        probe = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    found = ImageCms.applyTransform(probe, convert)
    assert found is not None
    if np.abs(np.asarray(probe.convert("RGB"), int) - np.asarray(found)).max() <= _SAME_VALUE:
        return image
    converted = ImageCms.applyTransform(image.getchannel("R") if mode == "L" else image.convert("RGB"), convert)
    assert converted is not None
    converted.putalpha(image.getchannel("A"))
    return converted


def _from_space(image: Image.Image, primaries: Primaries, curve: Callable[[np.ndarray], np.ndarray]) -> Image.Image:
    matrix = matrix_to_srgb(primaries)
    if matrix is None and curve is _srgb_curve:
        return image
    linear = curve(np.linspace(0, 1, 256)).astype(np.float32)
    pixels = np.array(image)
    for top in range(0, len(pixels), _ROWS):
        rows = pixels[top : top + _ROWS, :, :3]
        light = linear[rows]
        rows[:] = encode_srgb(light if matrix is None else light @ matrix.T)
    return Image.fromarray(pixels)


def _to_xyz(primaries: Primaries) -> np.ndarray:
    """The matrix from linear RGB to XYZ, with white adapted to D65."""
    white, *corners = ([x / y, 1, (1 - x - y) / y] for x, y in zip(primaries[::2], primaries[1::2], strict=True))
    target = [_D65[0] / _D65[1], 1, (1 - sum(_D65)) / _D65[1]]
    columns = np.array(corners).T
    scaled = columns * np.linalg.solve(columns, np.array(white))
    adapted = np.diag((_BRADFORD @ target) / (_BRADFORD @ white))
    return np.linalg.inv(_BRADFORD) @ adapted @ _BRADFORD @ scaled


def _power(exponent: float, value: np.ndarray) -> np.ndarray:
    return value**exponent


def _srgb_curve(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _film_curve(value: np.ndarray) -> np.ndarray:
    return np.where(value < 0.081, value / 4.5, ((value + 0.099) / 1.099) ** (1 / 0.45))


_CURVES: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    **dict.fromkeys((1, 6, 14, 15), _film_curve),
    4: partial(_power, 2.2),
    5: partial(_power, 2.8),
    8: partial(_power, 1.0),
    13: _srgb_curve,
}
"""From a value to linear light, by their number in ITU-T H.273, table 3. The curves of HDR are not among them."""
