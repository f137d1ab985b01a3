# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons with holes as single polygons, for Grease Pencil before Blender 5.2."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def bridged(outline: np.ndarray, holes: Iterable[np.ndarray]) -> np.ndarray:
    """An outline, float [P, 2], that also goes around the holes in it: to each over a bridge without width, and back.

    The hole that is nearest to what is connected comes next, so that no bridge crosses another hole. Outline and holes
    run in opposite directions.
    """
    waiting = list(holes)
    while waiting:
        apart = [np.hypot(*(outline[:, None] - hole[None]).transpose(2, 0, 1)) for hole in waiting]
        index = int(np.argmin([distances.min() for distances in apart]))
        at, start = np.unravel_index(np.argmin(apart[index]), apart[index].shape)
        hole = np.roll(waiting.pop(index), -start, axis=0)
        outline = np.concatenate((outline[: at + 1], hole, hole[:1], outline[at:]))
    return outline
