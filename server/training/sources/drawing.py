# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures prepared for animation, with closed fills, ink and lines, and files of many such pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import skia

from server.files import open_atomic

FILL, INK, LINE, EDGE, BODY = range(5)
"""The kinds of marks: a flat fill; a shape of solid ink; a drawn line; a border of fills without a line by the artist;
the whole figure's silhouette, under everything."""

MOVE, STRAIGHT, CURVE, CLOSE, EVEN_ODD = range(5)
"""The steps of a path. They take 1, 1, 3, 0 and 0 points. The last one begins a path with the even-odd fill rule."""

_TAKES = {MOVE: 1, STRAIGHT: 1, CURVE: 3, CLOSE: 0, EVEN_ODD: 0}
_VALIDATION_SHARE = 0.15

Split = Literal["train", "validation"]


@dataclass(frozen=True)
class Drawing:
    """One picture, standing on y = 0 and centered on x = 0, with y down. It is 1 high, or less if it is broad.

    Attributes:
        name: its name, unique in its source.
        family: drawings of one family are the same figure with another face. The part before a "/" decides the split,
            so that near relatives stay together.
        words: a description of the picture, for a sentence.
        marks: int32 [M,4], from back to front: kind, index of its color, number of points, number of steps.
        widths: float32 [M], of lines, relative to the picture's usual line.
        points: float32 [P,2] and steps: uint8 [S], of all marks one after another.
        colors: uint8 [K,3], the colors of the fills.
    """

    name: str
    family: str
    words: str
    marks: np.ndarray
    widths: np.ndarray
    points: np.ndarray
    steps: np.ndarray
    colors: np.ndarray


def split_of(family: str) -> Split:
    """Return the split of a family of drawings, the same on every machine. 15 % are for validation only."""
    number = int.from_bytes(hashlib.sha256(family.partition("/")[0].encode()).digest()[:4], "big")
    return "validation" if number < _VALIDATION_SHARE * 2**32 else "train"


def flatten(path: skia.Path) -> tuple[list[tuple[float, float]], list[int]]:
    """Return the points and steps of a path. Quadratic and conic curves become cubic ones."""
    points: list[tuple[float, float]] = []
    steps: list[int] = [EVEN_ODD] if path.getFillType() == skia.PathFillType.kEvenOdd else []
    for verb, at in path:
        xy = [(point.x(), point.y()) for point in at]
        if verb == skia.Path.kMove_Verb:
            steps.append(MOVE)
            points.append(xy[0])
        elif verb == skia.Path.kLine_Verb:
            steps.append(STRAIGHT)
            points.append(xy[1])
        elif verb == skia.Path.kCubic_Verb:
            steps.append(CURVE)
            points += xy[1:]
        elif verb in (skia.Path.kQuad_Verb, skia.Path.kConic_Verb):
            (ax, ay), (bx, by), (cx, cy) = xy
            steps.append(CURVE)
            points += [((ax + 2 * bx) / 3, (ay + 2 * by) / 3), ((cx + 2 * bx) / 3, (cy + 2 * by) / 3), (cx, cy)]
        elif verb == skia.Path.kClose_Verb:
            steps.append(CLOSE)
    return points, steps


def unflatten(points: Sequence[Sequence[float]], steps: Sequence[int]) -> skia.Path:
    """Return the path of points and steps, the reverse of `flatten`."""
    path, at = skia.Path(), 0
    for step in steps:
        if step == CURVE:
            path.cubicTo(*points[at], *points[at + 1], *points[at + 2])
        elif step == STRAIGHT:
            path.lineTo(*points[at])
        elif step == MOVE:
            path.moveTo(*points[at])
        elif step == CLOSE:
            path.close()
        else:
            path.setFillType(skia.PathFillType.kEvenOdd)
        at += _TAKES[step]
    return path


_TABLES = ("marks", "widths", "points", "steps", "colors")


def save_drawings(file: Path, drawings: Sequence[Drawing]) -> None:
    """Write drawings to a NumPy archive. An interrupted write leaves no file."""
    texts = [[drawing.name, drawing.family, drawing.words] for drawing in drawings]
    counts = [[len(getattr(drawing, table)) for table in _TABLES] for drawing in drawings]
    arrays = {table: np.concatenate([getattr(drawing, table) for drawing in drawings]) for table in _TABLES}
    arrays |= {"texts": np.array(json.dumps(texts)), "counts": np.array(counts)}
    with open_atomic(file) as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def load_drawings(file: Path, split: Split) -> list[Drawing]:
    """Return the drawings of a file that belong to `split`.

    Raises:
        FileNotFoundError: the file is missing. The message says how to make it.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} is missing: fetch the shapes first, with `python -m server train sources --output {file.parent}`"
        )
    with np.load(file, allow_pickle=False) as stored:
        texts, counts = json.loads(str(stored["texts"])), stored["counts"]
        pieces = [np.split(stored[table], np.cumsum(counts[:-1, i])) for i, table in enumerate(_TABLES)]
    drawings = [Drawing(*text, *tables) for text, *tables in zip(texts, *pieces, strict=True)]
    return [drawing for drawing in drawings if split_of(drawing.family) == split]
