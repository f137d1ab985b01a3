# SPDX-License-Identifier: GPL-3.0-or-later
"""One procedural cartoon clip: cast, scenery, camera and drawings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Protocol

import numpy as np
import skia

from server.training.cartoon.background import MARGIN, Scenery, paint_scenery
from server.training.cartoon.beast import Beast, Flyer
from server.training.cartoon.creature import Bird, Crawler, ManyLegs
from server.training.cartoon.humanoid import Humanoid
from server.training.cartoon.motion import Pose, choose_holds, perform
from server.training.cartoon.other_figures import Blob, Tangle, Vehicle
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Ink, Sheet
from server.training.cartoon.shading import Shading, choose_light
from server.training.cartoon.style import Style, choose_style


@dataclass(frozen=True)
class Clip:
    """Drawings with their fills.

    Attributes:
        line_art: uint8 [T,H,W], 255 paper, dark lines, anti-aliased, without hidden lines. Some of the clips are rough
            scans, whose paper may be a little darker.
        labels: uint8 [T,H,W], index into `colors`: the fill of every pixel, also under the lines.
        colors: uint8 [N,3], N <= 40, such as an artist might choose.
        sentence: a short description.
    """

    line_art: np.ndarray
    labels: np.ndarray
    colors: np.ndarray
    sentence: str


@dataclass(frozen=True)
class PaintedClip(Clip):
    """A clip that knows how it is painted, lit and timed.

    Attributes:
        parts: uint16 [T,H,W], 256 × figure + part. Figure 0 is the background, and the last one is the foreground. The
            number of a figure is valid for the whole clip, that of a part only for its drawing, where a greater number
            is nearer.
        holds: the number of frames for which each drawing is shown: ones, twos, threes, and sometimes more.
        light: float32 [T,3], the factors by which the scene's light multiplies all colors.
        views: float32 [T,2,3], the camera: from frame heights to pixels.
        shading: how fills are painted.
    """

    parts: np.ndarray
    holds: tuple[int, ...]
    light: np.ndarray
    views: np.ndarray
    shading: Shading

    def painting(self, index: int) -> np.ndarray:
        """Return the true colors of a drawing without lines, shaded and lit: RGB uint8 [H,W,3]."""
        shaded = self.shading.paint(self.colors[self.labels[index]], self.parts[index], self.views[index])
        return np.round(shaded * self.light[index]).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Framing:
    """A change of the camera for one drawing: it is drawn anew, so that its lines keep their width.

    zoom: enlargement. turn: radians clockwise, about the middle of the frame. shift: of the picture to the right and
    down, in heights of the frame. mirrored: left and right are exchanged.
    """

    zoom: float = 1.0
    turn: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    mirrored: bool = False

    def matrix(self, camera: tuple[float, float, float], width: int, height: int) -> tuple[float, ...]:
        """Return the matrix from frame heights to pixels, by columns, as Skia's affine matrices are.

        camera: center of the view and its enlargement.
        """
        x, y, zoom = camera
        scale = height * zoom * self.zoom
        cos, sin = scale * math.cos(self.turn), scale * math.sin(self.turn)
        side = -1 if self.mirrored else 1
        across, down = width / 2 + height * self.shift[0], height / 2 + height * self.shift[1]
        return side * cos, sin, -side * sin, cos, across - side * (cos * x - sin * y), down - sin * x - cos * y


class Figure(Protocol):
    """A figure that can act: drawn 1 high, standing on y = 0."""

    stride: float
    name: str

    def groups(self, pose: Pose) -> list[Group]:
        """Return the figure in `pose`, from back to front."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A figure that acts in a clip. Its size in frame heights and its pose are given by drawing.

    reach: how far from its middle it reaches, in its heights. Where that is outside the frame, it is not drawn.
    """

    figure: Figure
    sizes: Sequence[float]
    poses: list[Pose]
    ink: Ink
    reach: float = math.inf


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything from which a clip is drawn.

    actors: from back to front. camera: center of the view and its enlargement, by drawing. stage_ink: the scenery's
    ink. holds, light, sentence: as in `PaintedClip`, for all drawings.
    """

    palette: Palette
    style: Style
    scenery: Scenery
    stage_ink: Ink
    actors: list[Actor]
    camera: list[tuple[float, float, float]]
    holds: Sequence[int]
    light: np.ndarray
    sentence: str

    def draw(
        self, seed: int, wanted: Sequence[int], width: int, height: int, framings: Sequence[Framing] = ()
    ) -> PaintedClip:
        """Draw some of the drawings. seed: of the scan's grain; framings: one for each drawing, or none."""
        framings = framings or [Framing()] * len(wanted)
        moving = len(set(self.camera)) > 1 or len(set(framings)) > 1 or self.stage_ink.boil > 0
        still: Sheet | None = None
        line_art = np.empty((len(wanted), height, width), np.uint8)
        labels, parts = np.empty_like(line_art), np.empty(line_art.shape, np.uint16)
        views = np.empty((len(wanted), 2, 3), np.float32)
        sheet = Sheet(width, height)
        for i, (index, framing) in enumerate(zip(wanted, framings, strict=True)):
            scale = height * self.camera[index][2] * framing.zoom
            matrix = framing.matrix(self.camera[index], width, height)
            views[i] = np.reshape(matrix, (3, 2)).T
            view = skia.Matrix()
            view.setAffine(list(matrix))
            if moving:
                sheet.paint(self.scenery.behind, self.stage_ink, view, scale, index)
            else:
                if still is None:
                    still = Sheet(width, height)
                    still.paint(self.scenery.behind, self.stage_ink, view, scale, 0)
                sheet.copy(still)
            for figure, actor in enumerate(self.actors, 1):
                _perform(sheet, actor, view, scale, index, figure)
            sheet.paint(self.scenery.before, self.stage_ink, view, scale, index, len(self.actors) + 1)
            line_art[i] = self.style.scan.of(sheet.art, seed, index) if self.style.scan else sheet.art
            labels[i], parts[i] = sheet.labels, sheet.parts
        return PaintedClip(
            line_art,
            labels,
            self.palette.colors,
            self.sentence,
            parts,
            tuple(self.holds[index] for index in wanted),
            self.light[list(wanted)],
            views,
            self.style.shading,
        )


_FIGURES: dict[str, Callable[[Random, Palette], Figure]] = {
    "person": Humanoid,
    "robot": partial(Humanoid, robot=True),
    "beast": Beast,
    "flyer": Flyer,
    "blob": Blob,
    "vehicle": Vehicle,
    "tangle": Tangle,
    "bird": Bird,
    "crawler": Crawler,
    "many legs": ManyLegs,
}


def draw_clip(
    seed: int,
    drawings: int,
    width: int,
    height: int,
    at: Sequence[int] | None = None,
    framings: Sequence[Framing] = (),
) -> PaintedClip:
    """Make up a clip of `drawings` drawings and draw it, or only its drawings `at`, in their order.

    Drawings follow each other as on twos, one per twelfth of a second. The same arguments give the same clip, and a
    drawing is the same whichever others are drawn.

    Raises:
        IndexError: `at` names a drawing outside the clip.
    """
    wanted = choose_drawings(drawings, at)
    rng = Random(seed)
    aspect, unit = width / height, width / 256
    palette = Palette(rng)
    style = choose_style(rng, unit)
    scenery = paint_scenery(rng, palette, aspect)
    actors = _cast(rng, palette, drawings, aspect, scenery, style)
    camera = choose_camera(rng, drawings, aspect, actors)
    holds, light = choose_holds(rng, drawings), choose_light(rng, drawings)

    stage_ink = style.stage_ink
    panned = len(set(camera)) > 1
    if not panned and rng.random() < style.painted:  # a painted background, which does not appear in the line art
        stage_ink = replace(stage_ink, width=0.0)
    cast = ", ".join(actor.figure.name for actor in actors[:3])
    sentence = f"{cast}, {scenery.words}".replace("a orange", "an orange")
    scene = Scene(palette, style, scenery, stage_ink, actors, camera, holds, light, sentence)
    return scene.draw(seed, wanted, width, height, framings)


def choose_drawings(drawings: int, at: Sequence[int] | None) -> list[int]:
    """Return the numbers of the requested drawings, by default all drawings of the clip.

    Raises:
        IndexError: `at` names a drawing outside the clip.
    """
    wanted = [int(index) for index in (range(drawings) if at is None else at)]
    outside = [index for index in wanted if not 0 <= index < drawings]
    if outside:
        raise IndexError(f"drawings {outside} are outside the clip, which has drawings 0 to {drawings - 1}")
    return wanted


def _perform(sheet: Sheet, actor: Actor, view: skia.Matrix, scale: float, index: int, figure: int) -> None:
    pose, size = actor.poses[index], actor.sizes[index]
    sx, sy = size / pose.squash, size * pose.squash
    cos, sin = math.cos(pose.tilt), math.sin(pose.tilt)
    pivot = 0.45 * sy * min(1.0, pose.lift * 5)  # in the air it turns about its middle, else about its feet
    x, y = pose.x - sin * pivot, pose.y - pose.lift * size - pivot + cos * pivot
    place = skia.Matrix()
    place.setAffine([cos * sx, sin * sx, -sin * sy, cos * sy, x, y])
    place.postConcat(view)
    middle, reach = place.mapXY(0.0, -0.5), actor.reach * max(sx, sy) * scale
    rows, columns = sheet.art.shape
    if not (-reach < middle.x() < columns + reach and -reach < middle.y() < rows + reach):
        return
    sheet.paint(actor.figure.groups(pose), actor.ink, place, size * scale, index, figure)


def _cast(rng: Random, palette: Palette, drawings: int, aspect: float, scenery: Scenery, style: Style) -> list[Actor]:
    abstract = rng.random() < 0.12
    count = rng.randint(2, 7) if abstract else rng.choices((1, 2, 3, 4), (3, 4, 2, 1))[0]
    shot = rng.choice((0.2, 0.3, 0.45, 0.6, 0.6, 0.75, 0.75, 1.0, 1.3))  # from long shots to close-ups
    if style.small:
        shot = rng.uniform(0.12, 0.32)
    twins = rng.getrandbits(32) if rng.random() < 0.25 else None  # the same figure in other colors
    plain = style.small and rng.random() < 0.7
    meeting = count > 1 and rng.random() < 0.3
    actors = []
    for i in rng.sample(range(count), count):
        if abstract:
            figure: Figure = Tangle(rng, palette)
        else:
            figure = _figure(Random(twins) if twins is not None else rng, palette, plain)
        size = min(1.5, max(0.1, shot * rng.uniform(0.75, 1.25)))
        if isinstance(figure, Vehicle | Beast):  # they are longer than high
            size *= 0.7
        ground = scenery.ground + rng.uniform(-0.06, 0.06)
        if abstract:
            ground = rng.uniform(0.4, 1.3)
        elif rng.random() < 0.9:  # keep the head in the picture
            ground = max(ground, size * rng.uniform(1.03, 1.15))
        plan = rng.choices(
            ("wander", "cross", "leave", "stay"), (4, 3, 4 if drawings > 80 else 1, 5 if size > 0.8 else 2)
        )[0]
        x = aspect * (i + rng.uniform(0.2, 0.8)) / count
        if meeting:
            plan, x = "meet", aspect * (rng.uniform(0.1, 0.3) + (0.6 if i % 2 else 0.0))
        poses = perform(rng, plan, drawings, aspect, size, (x, ground), figure.stride)
        own = replace(
            style.ink,
            width=style.ink.width * min(1.2, max(0.7, size**0.3)),
            hand=style.ink.hand and style.ink.hand.scaled(min(1.0, size * 1.6)),
        )
        actors.append(Actor(figure, [size] * drawings, poses, own))
    return sorted(actors, key=lambda actor: actor.poses[0].y)


def _figure(rng: Random, palette: Palette, plain: bool) -> Figure:
    kind = rng.choices(tuple(_FIGURES), (10, 1.5, 3, 1.5, 2, 1.5, 1.5, 1.2, 0.8, 0.8))[0]
    if plain and kind == "person":
        return Humanoid(rng, palette, plain=True)
    return _FIGURES[kind](rng, palette)


def choose_camera(rng: Random, drawings: int, aspect: float, actors: list[Actor]) -> list[tuple[float, float, float]]:
    """Return the center of the view and its enlargement for each drawing."""
    kind = rng.choices(("still", "pan", "follow", "zoom", "shake"), (6, 1.5, 1.5, 1, 0.5))[0]
    zoom = rng.choice((1.0, 1.0, rng.uniform(0.85, 1.25)))
    drift, dolly = rng.uniform(-0.02, 0.02), rng.uniform(-0.3, 0.6)
    x, y = aspect / 2, 0.5
    views = []
    for i in range(drawings):
        t = i / max(1, drawings - 1)
        if kind == "pan":
            x += drift
        elif kind == "follow":
            x += 0.25 * (actors[-1].poses[i].x - x)
        x = min(max(x, aspect / 2 - MARGIN / 2), aspect / 2 + MARGIN / 2)
        shake = 0.015 if kind == "shake" else 0.0
        factor = zoom * (1 + dolly * t) if kind == "zoom" else zoom
        views.append((x + rng.uniform(-shake, shake), y + rng.uniform(-shake, shake), factor))
    return views
