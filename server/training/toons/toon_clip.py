# SPDX-License-Identifier: GPL-3.0-or-later
"""Cartoon clips with toons as actors: the cast, its paths, and the drawings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from server.training.cartoon import PaintedClip
from server.training.cartoon.background import Scenery, paint_scenery
from server.training.cartoon.clip import Actor, Framing, Scene, choose_camera, choose_drawings
from server.training.cartoon.motion import choose_holds, perform
from server.training.cartoon.palette import Palette
from server.training.cartoon.shading import choose_light
from server.training.cartoon.style import Style, choose_style
from server.training.toons.bodies import Body
from server.training.toons.toon import Camera, Toon

_SAMPLES = 1.4
"""Pixels of a figure's raster to one of the drawing."""
_DETAIL = (140, 450)
"""Least and most pixels of a figure's height."""
_REACH = 1.3
"""How far from its middle a figure reaches, in its heights."""


def draw_toon_clip(
    figures: Sequence[Body],
    seed: int,
    drawings: int,
    width: int,
    height: int,
    at: Sequence[int] | None = None,
    framings: Sequence[Framing] = (),
) -> PaintedClip:
    """Make up a clip of `drawings` drawings with some of the figures, and draw it, or only its drawings `at`.

    As in `server.training.cartoon.draw_clip`, drawings follow each other as on twos, and the same arguments give the
    same clip, whichever drawings are requested.

    Raises:
        ValueError: there is no figure to choose from.
        IndexError: `at` names a drawing outside the clip.
    """
    if not figures:
        raise ValueError("there are no figures for a clip: fetch them, or choose the other split")
    wanted = choose_drawings(drawings, at)
    rng = Random(seed)
    aspect = width / height
    palette = Palette(rng)
    style = choose_style(rng, width / 256)
    scenery = paint_scenery(rng, palette, aspect)
    actors = _cast(rng, palette, figures, drawings, aspect, height, scenery, style)
    camera = choose_camera(rng, drawings, aspect, actors)
    holds, light = choose_holds(rng, drawings), choose_light(rng, drawings)
    stage_ink = style.stage_ink
    if rng.random() < style.painted:  # a painted background, which does not appear in the line art
        stage_ink = replace(stage_ink, width=0.0)
    sentence = f"{', '.join(actor.figure.name for actor in actors)}, {scenery.words}".replace("a orange", "an orange")
    scene = Scene(palette, style, scenery, stage_ink, actors, camera, holds, light, sentence)
    return scene.draw(seed, wanted, width, height, framings)


def _cast(
    rng: Random,
    palette: Palette,
    figures: Sequence[Body],
    drawings: int,
    aspect: float,
    height: int,
    scenery: Scenery,
    style: Style,
) -> list[Actor]:
    count = rng.choices((1, 2, 3), (3, 4, 2))[0]
    shot = 0.22 if style.small else rng.choice((0.35, 0.5, 0.65, 0.8, 1.0, 1.3))  # from long shots to close-ups
    camera = Camera(
        elevation=rng.choice((0.0, rng.uniform(-0.15, 0.5))),
        distance=rng.uniform(2.5, 8.0),
        orbit=rng.choice((0.0, 0.0, 0.0, rng.uniform(-0.12, 0.12))),
        start=0.0,
    )
    shade_line = rng.choice((0.0, style.ink.shade_line)) if palette.shaded else None
    meeting = count > 1 and rng.random() < 0.35
    actors: list[Actor] = []
    for i in rng.sample(range(count), count):
        size = min(1.6, max(0.15, shot * rng.uniform(0.75, 1.25)))
        grow, pace = rng.choice((0.0, 0.0, rng.uniform(0.1, 0.5))), rng.uniform(0.03, 0.15)
        sizes = [size * math.exp(grow * math.sin(pace * drawing)) for drawing in range(drawings)]
        detail = round(min(_DETAIL[1], max(_DETAIL[0], _SAMPLES * height * max(sizes))))
        wobble = style.ink.boil / (height * size)
        toon = Toon(rng, palette, rng.choice(figures), camera, detail, style.small, shade_line, wobble)
        ground = max(scenery.ground + rng.uniform(-0.06, 0.06), size * rng.uniform(1.0, 1.1))
        plan = rng.choices(
            ("wander", "cross", "leave", "stay"), (4, 3, 4 if drawings > 80 else 1, 5 if size > 0.8 else 3)
        )[0]
        x = aspect * (i + rng.uniform(0.2, 0.8)) / count
        if meeting:
            plan, x = "meet", aspect * (rng.uniform(0.1, 0.3) + (0.6 if i % 2 else 0.0))
        poses = perform(rng, plan, drawings, aspect, size, (x, ground), toon.stride)
        ink = replace(
            style.ink,
            width=style.ink.width * min(1.2, max(0.7, size**0.3)),
            weight=0.0,
            boil=0.0,
            hand=style.ink.hand and style.ink.hand.scaled(min(1.0, size * 1.6)),
        )
        actors.append(Actor(toon, sizes, poses, ink, reach=_REACH))
    return sorted(actors, key=lambda actor: actor.poses[0].y)
