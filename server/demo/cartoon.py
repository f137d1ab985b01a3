# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's cartoon: a girl strolls to the right, a boy hurries past in front of her, leaves and comes back.

This module has only the geometry of each frame. `scene` turns it into Grease Pencil strokes.
"""

from __future__ import annotations

import math

from .shapes import Outline, Part, Point, ellipse, limb, smooth, turned

WIDTH, HEIGHT, FPS = 960, 540, 24
FRAMES = range(1, 73)
KEYFRAME = 33
HOLD = 2
"""Frames that each drawing is held: on twos."""

PAINTS: dict[str, str] = {
    "sky": "9fd8f2",
    "sun": "fff06a",
    "cloud": "f7fbff",
    "far hill": "6fb98f",
    "meadow": "a9d65c",
    "path": "cfa764",
    "wall": "f2ead0",
    "roof": "852b36",
    "door": "2f5d6b",
    "window": "4f86c6",
    "trunk": "6b4a3a",
    "leaves": "2f7d4f",
    "girl skin": "ffd2b0",
    "girl hair": "d4622a",
    "girl hat": "f6b81a",
    "girl ribbon": "c2274b",
    "girl dress": "ea5f9b",
    "girl legs": "7b4fa3",
    "girl shoes": "40305e",
    "boy skin": "a86a3c",
    "boy hair": "2b2326",
    "boy cap": "e1262e",
    "boy shirt": "18b5b0",
    "boy trousers": "27418f",
    "boy shoes": "f08a24",
    "eye": "ffffff",
    "ink": "000000",
}
"""Fill colors as sRGB hex. "ink" is used for unfilled lines and for pupils."""


def background() -> list[Part]:
    """The still background, from back to front."""
    width, height = WIDTH + 12, HEIGHT + 12
    far = smooth(
        ((-12, 262), (110, 318), (250, 300), (400, 338), (560, 296), (720, 330), (860, 300), (width, 322)), False
    )
    near = smooth(((-12, 214), (200, 236), (430, 222), (680, 240), (width, 220)), False)
    road_top = smooth(((-12, 128), (240, 140), (520, 130), (760, 142), (width, 132)), False)
    road_low = smooth(((width, 34), (700, 26), (420, 38), (180, 26), (-12, 36)), False)
    return [
        Part("sky", ((-12, -12), (width, -12), (width, height), (-12, height))),
        Part("sun", ellipse(828, 452, 44, 44)),
        Part("cloud", _cloud(168, 438, 1.0)),
        Part("cloud", _cloud(560, 470, 0.72)),
        Part("far hill", (*far, (width, -12), (-12, -12))),
        Part("meadow", (*near, (width, -12), (-12, -12))),
        *_house(618, 212),
        *_tree(258, 206),
        Part("path", (*road_top, *road_low)),
    ]


def _cloud(x: float, y: float, scale: float) -> Outline:
    bumps = (
        (-86, -14),
        (-66, 16),
        (-38, 20),
        (-14, 44),
        (22, 40),
        (42, 18),
        (70, 18),
        (88, -10),
        (48, -24),
        (-44, -24),
    )
    return smooth(tuple((x + scale * bx, y + scale * by) for bx, by in bumps))


def _house(x: float, y: float) -> list[Part]:
    def box(left: float, low: float, right: float, top: float) -> Outline:
        return ((x + left, y + low), (x + right, y + low), (x + right, y + top), (x + left, y + top))

    return [
        Part("roof", box(92, 150, 120, 206)),
        Part("wall", box(0, 0, 170, 116)),
        Part("roof", ((x - 20, y + 110), (x + 190, y + 110), (x + 148, y + 186), (x + 22, y + 186))),
        Part("door", box(24, 0, 68, 78)),
        Part("window", box(94, 40, 142, 84)),
    ]


def _tree(x: float, y: float) -> list[Part]:
    trunk = ((x - 16, y - 4), (x + 18, y - 4), (x + 12, y + 60), (x + 14, y + 120), (x - 12, y + 120), (x - 10, y + 60))
    crown = (
        (x - 62, y + 92), (x - 78, y + 136), (x - 56, y + 176), (x - 26, y + 212), (x + 18, y + 216),
        (x + 52, y + 186), (x + 76, y + 142), (x + 60, y + 94), (x + 16, y + 80), (x - 24, y + 80),
    )  # fmt: skip
    return [Part("trunk", smooth(trunk)), Part("leaves", smooth(crown))]


def girl(frame: int) -> list[Part]:
    """Return the girl's parts at a frame, from back to front."""
    progress = (frame - FRAMES[0]) / (len(FRAMES) - 1)
    stride = 2 * math.pi * frame / 28
    return [part.placed(196 + 540 * progress, 92, 1, 0.98) for part in _girl(stride)]


def boy(frame: int) -> list[Part]:
    """Return the boy's parts at a frame, from back to front, and none while he is out of view."""
    away, back = 47, 53
    stride = 2 * math.pi * frame / 20
    if away <= frame <= back:
        return []
    if frame < away:
        x, facing = 740 - 17.8 * (frame - FRAMES[0]), -1
    else:
        x, facing = -78 + 17.0 * (frame - back), 1
    return [part.placed(x, 58, facing, 1.04) for part in _boy(stride)]


def _leg(hip: Point, swing: float, lift: float, thigh: float, shin: float) -> tuple[Point, Point, float]:
    """Return knee, ankle and foot angle of a leg that swings by `swing` radians with its knee bent by `lift`."""
    knee = (hip[0] + thigh * math.sin(swing), hip[1] - thigh * math.cos(swing))
    lower = swing - lift
    return knee, (knee[0] + shin * math.sin(lower), knee[1] - shin * math.cos(lower)), lower


def _legs(stride: float, hip: Point, reach: float, bone: float) -> list[tuple[Point, Point, float]]:
    """Return the far and near leg of a walk, lowered so that the standing foot rests on the ground (y = 0)."""
    legs = []
    for phase in (stride + math.pi, stride):
        legs.append(_leg(hip, reach * math.sin(phase), 0.12 + 0.75 * max(0.0, math.cos(phase)) ** 2, bone, bone))
    return legs


def _shoe(ankle: Point, angle: float, size: float) -> Outline:
    sole = (
        (-0.55, 0.28),
        (-0.62, -0.25),
        (-0.5, -0.52),
        (0.5, -0.52),
        (1.18, -0.5),
        (1.2, -0.2),
        (0.62, 0.18),
        (0.3, 0.4),
    )
    shape = smooth(tuple((ankle[0] + size * x, ankle[1] + size * y) for x, y in sole), steps=4)
    return turned(shape, 0.6 * angle, ankle)


def _ground(legs: list[tuple[Point, Point, float]], sole: float) -> float:
    """Return how far the body must rise so that the lowest ankle is `sole` above the ground."""
    return sole - min(ankle[1] for _, ankle, _ in legs)


def _raised(parts: list[Part], rise: float) -> list[Part]:
    return [part.placed(0, rise) for part in parts]


def _girl(stride: float) -> list[Part]:
    hip = (0.0, 84.0)
    legs = _legs(stride, hip, 0.42, 38)
    swing = 0.5 * math.sin(stride)
    sway = 3 * math.sin(stride * 2 + 0.6)
    far_hand = (6 + 40 * math.sin(swing), 112 - 42 * math.cos(swing))
    near_hand = (-4 - 44 * math.sin(swing), 110 - 44 * math.cos(swing))

    def leg(index: int) -> list[Part]:
        knee, ankle, angle = legs[index]
        return [
            Part("girl legs", limb(hip, knee, ankle, (13, 11, 8))),
            Part("girl shoes", _shoe(ankle, angle, 17)),
        ]

    tail = smooth(
        ((-26, 212), (-58 - sway, 206), (-76 - sway, 176), (-70 - 2 * sway, 140), (-52 - sway, 152), (-40, 180))
    )
    dress = (
        (-14, 146), (14, 146), (22, 118), (36 + sway, 84), (46 + sway, 58), (18, 50), (-14, 50), (-44 + sway, 58),
        (-34, 86), (-20, 118),
    )  # fmt: skip
    fringe = (
        (-44, 190),
        (-38, 226),
        (-4, 240),
        (34, 228),
        (44, 204),
        (26, 214),
        (4, 222),
        (-14, 210),
        (-22, 190),
        (-24, 164),
        (-40, 166),
    )
    brim = smooth(((-70, 222), (-40, 232), (0, 232), (42, 230), (72, 218), (44, 214), (0, 217), (-44, 214)))
    crown = smooth(((-38, 226), (-38, 252), (-22, 272), (6, 276), (30, 262), (38, 228), (0, 222)))
    ribbon = ((-39, 226), (-38, 243), (0, 240), (37, 244), (38, 228), (0, 224))
    parts = [
        Part("girl skin", limb((8, 138), ((8 + far_hand[0]) / 2 + 6, 112), far_hand, (9, 8, 8))),
        Part("girl hair", tail),
        *leg(0),
        *leg(1),
        Part("girl dress", smooth(dress)),
        Part("girl skin", ellipse(4, 190, 42, 42)),
        Part("girl hair", smooth(fringe)),
        Part("girl hat", crown),
        Part("girl ribbon", ribbon),
        Part("girl hat", brim),
        Part("eye", ellipse(24, 192, 8, 12)),
        Part("ink", ellipse(27, 190, 2, 3.5)),
        Part("line", smooth(((16, 166), (24, 162), (33, 167)), False), closed=False),
        Part("girl skin", limb((-6, 136), ((-6 + near_hand[0]) / 2 - 7, 108), near_hand, (10, 9, 9))),
    ]
    return _raised(parts, _ground(legs, 9))


def _boy(stride: float) -> list[Part]:
    hip = (0.0, 92.0)
    legs = _legs(stride, hip, 0.58, 44)
    swing = 0.75 * math.sin(stride)
    far_hand = (2 + 52 * math.sin(swing) + 10, 124 - 46 * math.cos(swing))
    near_hand = (-2 - 54 * math.sin(swing) + 10, 122 - 48 * math.cos(swing))

    def leg(index: int) -> list[Part]:
        knee, ankle, angle = legs[index]
        cuff = (0.3 * knee[0] + 0.7 * ankle[0], 0.3 * knee[1] + 0.7 * ankle[1])
        return [
            Part("boy shoes", _shoe(ankle, angle, 22)),
            Part("boy trousers", limb(hip, knee, cuff, (18, 16, 13))),
        ]

    def arm(shoulder: Point, hand: Point) -> list[Part]:
        elbow = ((shoulder[0] + hand[0]) / 2 - 10, (shoulder[1] + hand[1]) / 2 - 2)
        sleeve_end = ((shoulder[0] + 3 * elbow[0]) / 4, (shoulder[1] + 3 * elbow[1]) / 4)
        middle = ((shoulder[0] + sleeve_end[0]) / 2, (shoulder[1] + sleeve_end[1]) / 2)
        return [
            Part("boy skin", limb(shoulder, elbow, hand, (10, 10, 11))),
            Part("boy shirt", limb(shoulder, middle, sleeve_end, (14, 15, 15))),
        ]

    shirt = ((-20, 160), (16, 160), (28, 134), (30, 96), (0, 88), (-30, 96), (-30, 132))
    hair = ((-46, 226), (-48, 198), (-42, 172), (-26, 168), (-24, 192), (-12, 214), (14, 222), (-12, 240))
    cap = smooth(((-48, 226), (-40, 252), (-8, 266), (28, 256), (44, 226), (0, 220)))
    visor = smooth(((14, 228), (44, 234), (84, 222), (82, 214), (46, 214), (16, 216)))
    parts = [
        *arm((10, 146), far_hand),
        *leg(0),
        *leg(1),
        Part("boy shirt", smooth(shirt)),
        Part("boy skin", ellipse(2, 202, 46, 44)),
        Part("boy hair", smooth(hair)),
        Part("boy cap", cap),
        Part("boy cap", visor),
        Part("boy skin", ellipse(-16, 196, 8, 11)),
        Part("eye", ellipse(26, 202, 8, 11)),
        Part("ink", ellipse(30, 200, 2, 3.5)),
        Part("line", smooth(((18, 176), (28, 171), (39, 178)), False), closed=False),
        *arm((-8, 146), near_hand),
    ]
    return _raised(parts, _ground(legs, 11))


def drawn_frames() -> range:
    """Return the frames at which a new drawing begins."""
    return FRAMES[::HOLD]
