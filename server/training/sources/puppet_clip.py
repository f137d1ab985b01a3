# SPDX-License-Identifier: GPL-3.0-or-later
"""Cartoon clips with puppets as actors: the cast, its paths, and the drawings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from server.training.cartoon import PaintedClip
from server.training.cartoon.background import MARGIN, Scenery, paint_scenery
from server.training.cartoon.clip import Actor, Framing, Scene, choose_drawings
from server.training.cartoon.motion import Pose, choose_holds, perform
from server.training.cartoon.palette import Palette
from server.training.cartoon.shading import choose_light
from server.training.cartoon.style import Style, choose_style
from server.training.sources.drawing import Drawing
from server.training.sources.puppet import Puppet

Families = Sequence[Sequence[Drawing]]
"""The figures that may act. Each is a list of its drawings."""


def draw_puppet_clip(
    families: Families,
    seed: int,
    drawings: int,
    width: int,
    height: int,
    at: Sequence[int] | None = None,
    framings: Sequence[Framing] = (),
) -> PaintedClip:
    """Make up a clip of `drawings` drawings with some of the families, and draw it, or only its drawings `at`.

    As in `server.training.cartoon.draw_clip`, drawings follow each other as on twos, and the same arguments give the
    same clip, whichever drawings are requested.

    Raises:
        ValueError: there is no family to choose from.
        IndexError: `at` names a drawing outside the clip.
    """
    if not families:
        raise ValueError("there are no shapes for a clip: fetch them, or choose the other split")
    wanted = choose_drawings(drawings, at)
    rng = Random(seed)
    aspect = width / height
    palette = Palette(rng)
    style = choose_style(rng, width / 256)
    scenery = paint_scenery(rng, palette, aspect)
    actors = _cast(rng, palette, families, drawings, aspect, scenery, style)
    camera = _camera(rng, drawings, aspect)
    holds, light = choose_holds(rng, drawings), choose_light(rng, drawings)
    stage_ink = style.stage_ink
    if rng.random() < style.painted:  # a painted background, which does not appear in the line art
        stage_ink = replace(stage_ink, width=0.0)

    sentence = f"{', '.join(actor.figure.name for actor in actors[:3])}, {scenery.words}"
    scene = Scene(palette, style, scenery, stage_ink, actors, camera, holds, light, sentence)
    return scene.draw(seed, wanted, width, height, framings)


def _cast(
    rng: Random, palette: Palette, families: Families, drawings: int, aspect: float, scenery: Scenery, style: Style
) -> list[Actor]:
    count = rng.choices((1, 2, 3, 4, 6), (2, 4, 3, 2, 1))[0]
    shot = 0.2 if style.small else rng.choice((0.25, 0.4, 0.55, 0.7, 0.85, 1.1))  # from long shots to close-ups
    alike = rng.random() < 0.25  # the same figure in other colors
    family = rng.choice(families)
    actors: list[Actor] = []
    for i in rng.sample(range(count), count):
        if not alike:
            family = rng.choice(families)
        puppet = Puppet(rng, palette, family, recolored=alike and len(actors) > 0)
        size = min(1.3, max(0.12, shot * rng.uniform(0.7, 1.3)))
        x = aspect * (i + rng.uniform(0.2, 0.8)) / count
        if rng.random() < 0.35:
            poses = _fly(rng, drawings, aspect, x)
        else:
            ground = max(scenery.ground + rng.uniform(-0.06, 0.06), size * rng.uniform(1.0, 1.1))
            plan = rng.choices(("wander", "cross", "leave", "stay", "meet"), (3, 3, 2, 3, 2))[0]
            poses = perform(rng, plan, drawings, aspect, size, (x, ground), puppet.stride)
        grow, pace = rng.choice((0.0, 0.0, rng.uniform(0.1, 0.4))), rng.uniform(0.05, 0.2)
        sizes = [size * math.exp(grow * math.sin(pace * drawing)) for drawing in range(drawings)]
        ink = replace(style.ink, hand=style.ink.hand and style.ink.hand.scaled(min(1.0, size * 1.6)))
        actors.append(Actor(puppet, sizes, poses, ink))
    return sorted(actors, key=lambda actor: actor.poses[0].y)


def _fly(rng: Random, drawings: int, aspect: float, x: float) -> list[Pose]:
    """Return a flight on a closed path that may leave the frame, with turns on the way."""
    y, wide, high = rng.uniform(0.35, 0.9), rng.uniform(0.05, 0.8) * aspect, rng.uniform(0.02, 0.3)
    pace, start = rng.choice((-1, 1)) * rng.uniform(0.04, 0.25), rng.uniform(0, 2 * math.pi)
    spin = rng.choice((0.0, 0.0, rng.uniform(-0.25, 0.25)))
    sway, stretch = rng.uniform(0, 0.4), rng.choice((0.0, rng.uniform(0.05, 0.2)))
    poses = []
    for drawing in range(drawings):
        angle = start + pace * drawing
        poses.append(
            Pose(
                x=x + wide * math.sin(angle),
                y=y + high * math.sin(2 * angle),
                yaw=math.copysign(1.2, pace * math.cos(angle)),
                tilt=spin * drawing + sway * math.sin(2 * angle + 1),
                squash=1 + stretch * math.sin(3 * angle),
                lift=0.2,
                cycle=drawing / 12,
                clock=drawing,
                lids=0.1 if drawing % 19 < 2 else 1.0,
            )
        )
    return poses


def _camera(rng: Random, drawings: int, aspect: float) -> list[tuple[float, float, float]]:
    """Return the center of the view and its enlargement for each drawing."""
    kind = rng.choices(("still", "pan", "zoom", "shake"), (6, 2, 1, 0.5))[0]
    zoom, drift, dolly = rng.uniform(0.9, 1.2), rng.uniform(-0.02, 0.02), rng.uniform(-0.2, 0.5)
    views = []
    for i in range(drawings):
        x, factor, shake = aspect / 2, zoom, 0.0
        if kind == "pan":
            x += min(MARGIN / 2, max(-MARGIN / 2, drift * i))
        elif kind == "zoom":
            factor *= 1 + dolly * i / max(1, drawings - 1)
        elif kind == "shake":
            shake = 0.015
        views.append((x + rng.uniform(-shake, shake), 0.5 + rng.uniform(-shake, shake), factor))
    return views
