# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of a clip: how it is drawn and painted, and whether it comes from a scanner."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

from server.training.cartoon.render import Ink
from server.training.cartoon.scan import Scan
from server.training.cartoon.shading import Shading, choose_shading
from server.training.cartoon.strokes import Hand

_KINDS = {"vector": 42, "fine": 20, "brush": 13, "rough": 25}


@dataclass(frozen=True, slots=True)
class Style:
    """How a clip is drawn.

    Attributes:
        ink, stage_ink: for the figures, and for the scenery behind and in front of them.
        scan: the scanner that the drawings come from, None for lines that were never on paper.
        small: whether the figures are small in the frame.
        painted: probability that the background is painted, without lines in the line art, if the camera stands still.
    """

    ink: Ink
    stage_ink: Ink
    scan: Scan | None
    shading: Shading
    small: bool
    painted: float


def choose_style(rng: Random, unit: float) -> Style:
    """Clean vector lines, fine closed lines with soft shading, brush and ink, or rough pencil from a scanner.

    unit: pixels of the raster to a 256th of the frame's width, in which lines are measured.
    """
    kind = rng.choices(tuple(_KINDS), tuple(_KINDS.values()))[0]
    scan: Scan | None = None
    small = rng.random() < {"vector": 0.15, "rough": 0.6}.get(kind, 0.05)
    if kind == "vector":
        ink = _vector(rng, unit)
    elif kind == "fine":
        ink = Ink(width=max(0.8, rng.uniform(0.25, 0.55) * unit), gray=rng.choice((0, 0, rng.randint(0, 90))))
    elif kind == "brush":
        width = _width(rng, unit)
        taper, stop = rng.uniform(0.5, 0.95), rng.choice((0.0, 0.0, -rng.uniform(0.2, 1.0) * unit))
        hand = Hand(rng.uniform(15, 60) * unit, taper, rng.uniform(0, 0.6), 0.0, stop)
        ink = Ink(width=width * 1.6, gray=rng.choice((0, 0, rng.randint(0, 80))), hand=hand)
    else:
        ink, scan = _rough(rng, unit)
    if scan is None and rng.random() < 0.03:
        scan = Scan(number=True)
    shading = choose_shading(rng, soft=rng.random() < {"fine": 0.85, "rough": 0.1}.get(kind, 0.35))
    stage_ink = replace(
        ink, width=ink.width * rng.uniform(0.6, 1.0), weight=0.0, gray=min(150, ink.gray + rng.choice((0, 0, 50)))
    )
    painted = 0.45 if kind == "rough" else 0.12
    return Style(ink, stage_ink, scan, shading, small, painted)


def _width(rng: Random, unit: float) -> float:
    """Return a line width from hairlines to thick outlines, all equally likely."""
    return max(0.7, math.exp(rng.uniform(math.log(0.35), math.log(1.5))) * unit)


def _vector(rng: Random, unit: float) -> Ink:
    width = _width(rng, unit)
    return Ink(
        width=width,
        gray=rng.choice((0, 0, 0, rng.randint(0, 110))),
        weight=rng.choice((0.0, 0.0, 0.0, rng.uniform(0.3, 0.8))) * unit,
        gap=rng.choice((0.0, 0.0, 0.0, rng.uniform(0.02, 0.12))),
        boil=rng.choice((0.0, 0.0, 0.0, rng.uniform(0.2, 0.6))) * unit,
        shade_line=rng.choice((0.0, 0.0, 0.6)),
        hatch=rng.choice((0.0, 0.0, 0.0, rng.uniform(1.2, 3.0) * unit)),
    )


def _rough(rng: Random, unit: float) -> tuple[Ink, Scan]:
    """Return a scanner of pencil or pen on paper, with little or much of the paper visible."""
    worn = rng.uniform(0.2, 1.0)
    width = min(_width(rng, unit), 0.9 * unit) + 0.15 * unit
    hand = Hand(
        length=rng.uniform(10, 45) * unit,
        taper=rng.uniform(0.0, 0.8),
        pressure=rng.uniform(0.1, 0.8),
        stray=rng.uniform(0.1, 0.8) * unit * worn,
        overshoot=rng.choice((0.0, rng.uniform(0.3, 2.5), -rng.uniform(0.2, 1.5))) * unit,
        repeats=rng.choice((1, 1, 2)),
    )
    ink = Ink(width=width, gray=rng.randint(0, 70), hand=hand, hatch=rng.choice((0.0, rng.uniform(1.2, 3.0) * unit)))
    cleaned = rng.random() < 0.6
    dirt, grain = rng.uniform(0, 22) * worn, rng.uniform(0, 8) * worn
    scan = Scan(
        fade=rng.uniform(0, 0.7) * worn,
        breaks=rng.choice((0.0, rng.uniform(0, 0.08))) * worn,
        break_length=rng.uniform(1.5, 5) * unit,
        tooth=rng.choice((0.0, rng.uniform(0.2, 0.9))) * worn,
        dirt=dirt,
        grain=grain,
        dust=rng.choice((0, 0, rng.randint(1, 25))),
        blur=rng.choice((0.0, rng.uniform(0.3, 0.6))) * min(unit / 2.5, 1.5),
        jpeg=rng.choice((0, 0, rng.randint(40, 90))),
        number=rng.random() < 0.08,
        paper=max(200, round(252 - dirt - 2 * grain)) if cleaned else 255,
    )
    return ink, scan
