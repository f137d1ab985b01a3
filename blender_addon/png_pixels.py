# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG files as arrays, without Blender, for use in threads (PNG specification, W3C, 3rd edition)."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from .files import replacing
from .png import SIGNATURE, chunk, chunks
from .shared.errors import ShotError
from .shared.translatable_text import TranslatableText

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels per pixel by color type: gray, RGB, palette, gray and alpha, RGBA."""

_KINDS = {1: 0, 3: 2, 4: 6}


def read_png(path: Path) -> np.ndarray:
    """Read an 8-bit PNG: uint8 [H, W] if it is gray, [H, W, 3] or, with transparency, [H, W, 4] otherwise.

    Raises ShotError if the file is not a PNG, has another bit depth, or is interlaced.
    """
    try:
        content = path.read_bytes()
        if not content.startswith(SIGNATURE):
            raise ShotError(
                TranslatableText("{path} is not a PNG image: export the shot again, or choose another file.", path=path)
            )
        parts: dict[bytes, bytes] = {}
        for kind, whole in chunks(content):
            parts[kind] = parts.get(kind, b"") + whole[8:-4]
        width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"])
        if interlaced:
            raise ShotError(
                TranslatableText(
                    "{path} has {depth} bits per channel and is interlaced: save it as a plain PNG with 8 bits.",
                    path=path,
                    depth=depth,
                )
            )
        if depth != 8:
            raise ShotError(
                TranslatableText(
                    "{path} has {depth} bits per channel: save it as a plain PNG with 8 bits.", path=path, depth=depth
                )
            )
        raw = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8)
        rows = raw.reshape(height, 1 + width * _CHANNELS[color])
    except (OSError, struct.error, zlib.error, KeyError, ValueError) as error:
        raise ShotError(
            TranslatableText(
                "{path} cannot be read ({reason}): export the shot again, or choose another file.",
                path=path,
                reason=str(error),
            )
        ) from error
    pixels = _unfiltered(rows[:, 0], rows[:, 1:].reshape(height, width, -1))
    if color == 0:
        return pixels[..., 0]
    if color == 3:
        return _painted(pixels[..., 0], parts)
    if color == 4:
        return np.concatenate([np.repeat(pixels[..., :1], 3, axis=2), pixels[..., 1:]], axis=2)
    return pixels


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 [H, W], [H, W, 3] or [H, W, 4] to a PNG atomically. Raises OSError."""
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    header = struct.pack(">IIBBBBB", width, height, 8, _KINDS[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 4)), (b"IEND", b""))
    with replacing(path) as partial:
        partial.write_bytes(SIGNATURE + b"".join(chunk(*part) for part in parts))


def _painted(indices: np.ndarray, parts: dict[bytes, bytes]) -> np.ndarray:
    """The colors of palette indices, with alpha if the file has it."""
    palette = np.frombuffer(parts[b"PLTE"], np.uint8).reshape(-1, 3)
    if b"tRNS" not in parts:
        return palette[indices]
    alpha = np.full(len(palette), 255, np.uint8)
    known = np.frombuffer(parts[b"tRNS"], np.uint8)
    alpha[: len(known)] = known
    return np.column_stack([palette, alpha])[indices]


def _unfiltered(kinds: np.ndarray, filtered: np.ndarray) -> np.ndarray:
    """Undo the filters of the rows; `kinds` uint8 [H], `filtered` uint8 [H, W, C]."""
    height, width, channels = filtered.shape
    if channels == 3 and (filtered == filtered[..., :1]).all():  # line art is mostly gray
        return np.repeat(_unfiltered(kinds, filtered[..., :1]), 3, axis=2)
    done = np.zeros((height + 1, width, channels), np.uint8)  # the first row is above the image
    loops = 0
    for y, kind in enumerate(kinds.tolist()):
        row, above = filtered[y], done[y]
        if kind <= 1:
            done[y + 1] = np.cumsum(row, axis=0, dtype=np.uint8) if kind else row
        elif kind == 2:
            done[y + 1] = row + above
        elif kind == 3:
            done[y + 1] = _averaged(row, above)
            loops += width
        else:
            edges = np.flatnonzero((above[1:] != above[:-1]).any(axis=1)) + 1
            done[y + 1] = _predicted(row, above, edges)
            loops += len(edges)
        if loops > _MOST_LOOPS * (width + height):
            return _unfiltered_diagonals(kinds, filtered)
    return done[1:]


def _averaged(row: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Undo filter 3 of a row, uint8 [W, C]."""
    left = [0] * row.shape[1]
    found = []
    for values, ups in zip(row.tolist(), above.tolist(), strict=True):
        left = [(value + ((one + up) >> 1)) & 255 for value, one, up in zip(values, left, ups, strict=True)]
        found.append(left)
    return np.array(found, np.uint8)


def _predicted(row: np.ndarray, above: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Undo filter 4, Paeth's, of a row, uint8 [W, C]. edges: where the row above changes, without its beginning.

    Where the row above does not change, the filter predicts the pixel to the left, and its sums are the pixels.
    """
    sums = np.cumsum(row, axis=0, dtype=np.uint8)
    shift = above[0].tolist()
    shifts = [shift]
    at = (row[edges], sums[edges], sums[edges - 1], above[edges], above[edges - 1])
    for values in zip(*(one.tolist() for one in at), strict=True):
        shift = [_shift(*value) for value in zip(*values, shift, strict=True)]
        shifts.append(shift)
    lengths = np.diff(np.concatenate(([0], edges, [len(row)])))
    found: np.ndarray = sums + np.repeat(np.array(shifts, np.uint8), lengths, axis=0)
    return found


def _shift(value: int, total: int, before: int, up: int, corner: int, shift: int) -> int:
    """What is to be added to the sums from a pixel on; arguments as in `_predicted`."""
    left = (before + shift) & 255
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    guess = left if to_left <= to_up and to_left <= to_corner else up if to_up <= to_corner else corner
    return (guess + value - total) & 255


_MOST_LOOPS = 100
"""Turns of a loop for each diagonal, from which on the diagonals are faster: flat drawings need far fewer."""


def _unfiltered_diagonals(kinds: np.ndarray, filtered: np.ndarray) -> np.ndarray:
    """Do the same for pictures with texture.

    A pixel depends on those to its left, above, and above left, so all pixels of an anti-diagonal are processed at
    once. For this, the rows are skewed: row y begins y columns later.
    """
    height, width, channels = filtered.shape
    steps = width + height - 1
    skewed = np.zeros((height, steps + 1, channels), np.uint8)
    skewed[:, :width] = filtered
    skewed = skewed.reshape(-1, channels)[: height * steps].reshape(height, steps, channels)
    columns = np.ascontiguousarray(skewed.transpose(1, 0, 2)).astype(np.int16)
    # Row 0 of the result is above the image.
    done = np.zeros((steps + 2, height + 1, channels), np.int16)
    is_sub, is_up, is_average, is_paeth = ((kinds == kind)[:, None] for kind in (1, 2, 3, 4))
    for step in range(steps):
        low, high = max(0, step - width + 1), min(height, step + 1)
        rows = slice(low, high)
        left = done[step + 1, low + 1 : high + 1]
        above = done[step + 1, low:high]
        corner = done[step, low:high]
        to_left, to_above = np.abs(above - corner), np.abs(left - corner)
        to_corner = np.abs(left + above - 2 * corner)
        paeth = np.where(
            (to_left <= to_above) & (to_left <= to_corner), left, np.where(to_above <= to_corner, above, corner)
        )
        guess = left * is_sub[rows] + above * is_up[rows] + ((left + above) >> 1) * is_average[rows]
        guess += paeth * is_paeth[rows]
        done[step + 2, low + 1 : high + 1] = (columns[step, rows] + guess) & 255
    flat = np.zeros((height, steps + 1, channels), np.uint8)
    flat.reshape(-1, channels)[: height * steps] = done[2:, 1:].transpose(1, 0, 2).reshape(-1, channels)
    return flat[:, :width]
