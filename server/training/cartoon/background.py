# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenery behind the actors, and sometimes in front of them: flat regions with outlines. It is wider than the
frame.

Units: frame heights from the upper left corner of the frame at rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.cartoon.shapes import blob, box, ellipse, line, loft, place, polygon, smooth, star

MARGIN = 1.2
"""How far the scenery extends beyond the frame, so that the camera can move."""
FAR = 4.0
"""A coordinate beyond every edge that the camera can reach."""

_PUFFS = ((-0.1, 0.02, 0.06), (0.0, 0.0, 0.09), (0.11, 0.02, 0.06))


@dataclass(slots=True)
class Scenery:
    """Groups behind and in front of the actors, where the actors stand, and words for the sentence."""

    behind: list[Group] = field(default_factory=list)
    before: list[Group] = field(default_factory=list)
    ground: float = 0.85
    words: str = "a plain background"


def paint_scenery(rng: Random, palette: Palette, aspect: float) -> Scenery:
    """A landscape, a street, a room, patches, or nothing."""
    kind = rng.choices(("plain", "land", "street", "room", "patches"), (3, 4, 3, 4, 1))[0]
    scenery = Scenery(ground=rng.uniform(0.72, 0.97))
    paper = palette.near((250, 250, 245)) if rng.random() < 0.4 else palette.cloth()
    night = rng.random() < 0.15
    open_air = palette.near((30, 35, 80), 20) if night else palette.near((150, 200, 240), 40)
    sky = paper if kind in ("plain", "patches", "room") else open_air
    scenery.behind.append([Mark(box(-FAR, -FAR, FAR, FAR), sky, line=0)])
    if night and sky == open_air:
        _stars(rng, palette, aspect, scenery)
    if kind == "land":
        _land(rng, palette, aspect, scenery)
    elif kind == "street":
        _street(rng, palette, aspect, scenery)
    elif kind == "room":
        _room(rng, palette, aspect, scenery)
    elif kind == "patches":
        scenery.words = "patches of color"
        for _ in range(rng.randint(2, 7)):
            patch = blob(rng, rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.5), 0.25)
            scenery.behind.append([Mark(place(patch, rng.uniform(0, aspect), rng.random()), palette.cloth())])
    if rng.random() < 0.15:
        _foreground(rng, palette, aspect, scenery)
    return scenery


def _across(rng: Random, aspect: float, count: int) -> list[float]:
    """Return positions from one margin to the other, in even steps with some randomness."""
    step = (aspect + 2 * MARGIN) / max(count, 1)
    return [-MARGIN + step * (i + rng.uniform(0.1, 0.9)) for i in range(count)]


def _ridge(rng: Random, aspect: float, level: float, rough: float, sharp: bool) -> Mark:
    count = rng.randint(6, 14)
    xs = [-MARGIN - 0.5 + (aspect + 2 * MARGIN + 1) * i / count for i in range(count + 1)]
    points = [(x, level + rough * rng.uniform(-1, 1)) for x in xs]
    corners = [(xs[-1] + 1, 4.0), (xs[0] - 1, 4.0)]
    path = polygon(points + corners) if sharp else smooth(points + corners, tension=0.9)
    return Mark(path, 0)


def _stars(rng: Random, palette: Palette, aspect: float, scenery: Scenery) -> None:
    light = palette.near((250, 245, 200), 10)
    for x in _across(rng, aspect, rng.randint(4, 14)):
        r = rng.uniform(0.012, 0.035)
        scenery.behind.append([Mark(place(star(rng.choice((4, 5)), r, r * 0.4), x, rng.uniform(0.02, 0.5)), light)])


def _land(rng: Random, palette: Palette, aspect: float, scenery: Scenery) -> None:
    horizon = rng.uniform(0.35, 0.7)
    words = []
    if rng.random() < 0.5:
        sun = palette.near((250, 220, 90))
        r = rng.uniform(0.05, 0.12)
        scenery.behind.append([Mark(ellipse(rng.uniform(0, aspect), rng.uniform(0.05, 0.3), r, r), sun)])
        words.append("a sun")
    for i in range(rng.randint(0, 3)):
        ridge = _ridge(rng, aspect, horizon - 0.12 + 0.1 * i, rng.uniform(0.03, 0.12), rng.random() < 0.3)
        fill = palette.near((120, 160, 130), 50)
        scenery.behind.append([Mark(ridge.path, fill)])
        words.append(f"{palette.name(fill)} hills")
    if rng.random() < 0.6:
        white = palette.near((245, 248, 252), 10)
        for x in _across(rng, aspect, rng.randint(2, 8)):
            y, s = rng.uniform(0.03, 0.3), rng.uniform(0.5, 1.3)
            puffs = [ellipse(x + dx * s, y + dy * s, r * s, r * s * 0.8) for dx, dy, r in _PUFFS]
            scenery.behind.append([Mark(puff, white) for puff in puffs])
    grass = palette.near((110, 180, 80), 50)
    ground = _ridge(rng, aspect, max(horizon, scenery.ground - 0.3), rng.uniform(0, 0.03), False)
    scenery.behind.append([Mark(ground.path, grass)])
    if rng.random() < 0.2:
        water = palette.near((90, 160, 210), 30)
        pond = blob(rng, rng.uniform(0.2, 0.6), rng.uniform(0.04, 0.1), 0.15)
        scenery.behind.append([Mark(place(pond, rng.uniform(0, aspect), scenery.ground), water)])
    if rng.random() < 0.4:
        road = palette.near((190, 160, 120), 40)
        top = scenery.ground - rng.uniform(0.03, 0.1)
        scenery.behind.append([Mark(box(-FAR, top, FAR, top + rng.uniform(0.1, 0.3)), road)])
    _trees(rng, palette, aspect, scenery, scenery.ground - rng.uniform(0.05, 0.15))
    scenery.words = " and ".join(words[:2] or ["a meadow"]) + " behind"


def _trees(rng: Random, palette: Palette, aspect: float, scenery: Scenery, foot: float) -> None:
    bark, leaf = palette.near((120, 80, 50), 30), palette.near((70, 140, 60), 50)
    fir = rng.random() < 0.4
    for x in _across(rng, aspect, rng.choice((0, 3, 6, 9))):
        s = rng.uniform(0.15, 0.4)
        scenery.behind.append([Mark(box(x - 0.1 * s, foot - s, x + 0.1 * s, foot), bark)])
        if fir:
            for i in range(3):
                y = foot - s * (0.5 + 0.5 * i)
                tier = polygon([(x - s * (0.6 - 0.12 * i), y), (x, y - s * 0.8), (x + s * (0.6 - 0.12 * i), y)])
                scenery.behind.append([Mark(tier, leaf)])
        else:
            crown = star(rng.randint(6, 9), s * 0.7, s * 0.55, True, rng.random())
            scenery.behind.append([Mark(place(crown, x, foot - 1.3 * s), leaf)])


def _street(rng: Random, palette: Palette, aspect: float, scenery: Scenery) -> None:
    foot = scenery.ground - rng.uniform(0.02, 0.15)
    glass, door = palette.near((200, 225, 240), 30), palette.cloth()
    walls = [palette.cloth() for _ in range(rng.randint(2, 4))]
    roofs = [palette.cloth(tuple(walls)) for _ in range(2)]
    for i, x in enumerate(_across(rng, aspect, rng.randint(4, 8))):
        w, h = rng.uniform(0.12, 0.28), rng.uniform(0.25, 0.75)
        scenery.behind.append([Mark(box(x - w, foot - h, x + w, foot), walls[i % len(walls)])])
        if rng.random() < 0.6:
            roof = polygon(
                [(x - w * 1.15, foot - h), (x, foot - h - rng.uniform(0.08, 0.25)), (x + w * 1.15, foot - h)]
            )
            scenery.behind.append([Mark(roof, rng.choice(roofs))])
        rows, columns = max(1, round(h / 0.25)), rng.randint(1, 3)
        for row in range(rows):
            for column in range(columns):
                cx, cy = x - w + 2 * w * (column + 0.5) / columns, foot - h * (row + 0.55) / rows
                ground_door = row == 0 and column == 0 and i % 2 == 0
                pane = box(
                    cx - w / columns * 0.45, cy - 0.06, cx + w / columns * 0.45, foot if ground_door else cy + 0.05
                )
                scenery.behind.append([Mark(pane, door if ground_door else glass)])
    pavement, road = palette.near((190, 190, 185)), palette.near((110, 110, 118))
    scenery.behind.append([Mark(box(-FAR, foot, FAR, FAR), pavement)])
    if rng.random() < 0.6:
        scenery.behind.append([Mark(box(-FAR, foot + rng.uniform(0.06, 0.15), FAR, FAR), road)])
    scenery.words = "houses behind"


def _room(rng: Random, palette: Palette, aspect: float, scenery: Scenery) -> None:
    foot = scenery.ground - rng.uniform(0.05, 0.25)
    floor = palette.near((180, 140, 100), 50)
    if rng.random() < 0.3:
        stripe = palette.cloth()
        width = rng.uniform(0.05, 0.2)
        for x in _across(rng, aspect, rng.randint(5, 12)):
            scenery.behind.append([Mark(box(x, -FAR, x + width, FAR), stripe)])
    scenery.behind.append([Mark(box(-FAR, foot, FAR, FAR), floor)])
    kind = rng.choice(("bare", "bare", "boards", "rug"))
    if kind == "boards":
        for x in _across(rng, aspect, rng.randint(6, 12)):
            end = (x + (x - aspect / 2) * 0.6, foot + 0.6)
            scenery.behind.append([Mark(line((x, foot), end), None, line=0.7)])
    elif kind == "rug":
        rug, rim = palette.cloth((floor,)), palette.cloth((floor,))
        x, y, w = rng.uniform(0.2, 0.8) * aspect, rng.uniform(foot + 0.05, 1.0), rng.uniform(0.3, 0.6)
        scenery.behind.append([Mark(ellipse(x, y, w, 0.07), rim)])
        scenery.behind.append([Mark(ellipse(x, y, w * 0.85, 0.055), rug)])
    if rng.random() < 0.5:
        scenery.behind.append([Mark(box(-FAR, foot - 0.05, FAR, foot), palette.cloth((floor,)))])
    frame, sky = palette.cloth(), palette.near((170, 215, 245), 30)
    for x in _across(rng, aspect, rng.randint(1, 4)):
        w, h, y = rng.uniform(0.12, 0.25), rng.uniform(0.12, 0.22), rng.uniform(0.2, 0.4)
        scenery.behind.append([Mark(box(x - w, y - h, x + w, y + h), frame)])
        scenery.behind.append([Mark(box(x - w * 0.85, y - h * 0.85, x + w * 0.85, y + h * 0.85), sky)])
        if rng.random() < 0.6:
            scenery.behind.append([Mark(line((x, y - h * 0.85), (x, y + h * 0.85)), None)])
            scenery.behind.append([Mark(line((x - w * 0.85, y), (x + w * 0.85, y)), None)])
        if rng.random() < 0.4:
            drape = palette.cloth((frame,))
            for side in (-1, 1):
                outer, top, low = x + side * w * 1.2, y - h * 1.2, y + h * 1.3
                path = polygon([(outer, top), (x + side * w * 0.4, top), (x + side * w * 0.9, low), (outer, low)])
                scenery.behind.append([Mark(path, drape)])
    wood = palette.near((140, 95, 55), 30)
    for x in _across(rng, aspect, rng.randint(0, 3)):
        kind = rng.choice(("table", "shelf", "lamp", "door"))
        if kind == "table":
            w, h = rng.uniform(0.15, 0.35), rng.uniform(0.18, 0.3)
            for leg in (-0.85, 0.75):
                scenery.behind.append([Mark(box(x + w * leg, foot + 0.05 - h, x + w * leg + 0.03, foot + 0.05), wood)])
            scenery.behind.append([Mark(box(x - w, foot - h, x + w, foot + 0.04 - h), wood)])
            pot = loft([(-0.1, 0.03), (-0.06, 0.05), (0, 0.04)])
            scenery.behind.append([Mark(place(pot, x + rng.uniform(-w, w) * 0.7, foot - h), palette.cloth())])
        elif kind == "shelf":
            for i in range(5):
                book = box(x + 0.04 * i, 0.3 - rng.uniform(0.07, 0.12), x + 0.04 * i + 0.038, 0.3)
                scenery.behind.append([Mark(book, palette.cloth())])
            scenery.behind.append([Mark(box(x - 0.05, 0.3, x + 0.26, 0.32), wood)])
        elif kind == "lamp":
            scenery.behind.append([Mark(box(x - 0.01, foot - 0.4, x + 0.01, foot), wood)])
            shade = polygon(
                [(x - 0.06, foot - 0.52), (x + 0.06, foot - 0.52), (x + 0.1, foot - 0.38), (x - 0.1, foot - 0.38)]
            )
            scenery.behind.append([Mark(shade, palette.near((250, 230, 150)))])
        else:
            scenery.behind.append([Mark(box(x - 0.13, foot - 0.5, x + 0.13, foot), wood)])
            scenery.behind.append([Mark(ellipse(x + 0.09, foot - 0.22, 0.015, 0.015), palette.near((230, 200, 80)))])
    scenery.words = f"a room with a {palette.name(floor)} floor"


def _foreground(rng: Random, palette: Palette, aspect: float, scenery: Scenery) -> None:
    fill = palette.cloth()
    kind = rng.choice(("post", "fence", "bush"))
    if kind == "post":
        x = rng.uniform(0.1, 0.9) * aspect
        scenery.before.append([Mark(box(x, -FAR, x + rng.uniform(0.04, 0.15), FAR), fill)])
    elif kind == "fence":
        top = rng.uniform(0.7, 0.85)
        for rail in (0.05, 0.15):
            scenery.before.append([Mark(box(-FAR, top + rail, FAR, top + rail + 0.03), fill)])
        for x in _across(rng, aspect, 16):
            pale = [(x, 2), (x, top), (x + 0.025, top - 0.03), (x + 0.05, top), (x + 0.05, 2)]
            scenery.before.append([Mark(polygon(pale), fill)])
    else:
        for x in _across(rng, aspect, rng.randint(1, 5)):
            bush = star(rng.randint(7, 11), rng.uniform(0.12, 0.25), 0.12, True, rng.random())
            scenery.before.append([Mark(place(bush, x, rng.uniform(0.95, 1.05)), fill)])
