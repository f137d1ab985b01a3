# SPDX-License-Identifier: GPL-3.0-or-later
"""Line art of every source in real Blender: what is in it, how it is seen, and when it is not rendered at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Scenario

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
RED, BLUE = (255, 0, 0), (0, 0, 255)
UNIT = 50
"""Pixels of a Blender unit in `line_scenes.pencil_scene`, whose image is 200×100 with the origin in the middle."""


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def read(path: Path, *places: tuple[float, float]) -> list[tuple[int, ...]]:
    image = pixels(path)
    return [tuple(map(int, image[round(50 - UNIT * z), round(100 + UNIT * x)])) for x, z in places]


# On the note; on the outline of the fill; in the fill, where a line passes behind; on that line; on a black and a pale
# line of the figure.
PLACES = ((0.0, 0.8), (0.4, 0.2), (0.1, 0.0), (0.55, 0.0), (-1.0, 0.1), (1.0, 0.1))


def test_frames_below_zero_show_their_own_drawings(scenario: Scenario, tmp_path: Path) -> None:
    assert list(scenario("lineart.below_zero", str(tmp_path))["timing"]) == [0, 1, 2, 3]
    for name, x in (("-003", -1.3), ("0000", -1.0)):
        assert read(tmp_path / "lineart" / f"{name}.png", (x, 0.1)) == [BLACK]


def test_layers_and_materials_are_lines_or_white_fills_that_hide_what_is_behind(
    scenario: Scenario, tmp_path: Path
) -> None:
    scenario("lineart.layers", str(tmp_path))
    art = {path.parents[1].name: read(path, *PLACES) for path in tmp_path.glob("*/lineart/0001.png")}
    assert art["by name"][:2] == [BLUE, WHITE], "the layer Fills holds fills"
    assert art["all lines"] == [BLACK, BLACK, WHITE, BLACK, BLACK, BLACK]
    assert art["roles"] == [WHITE, WHITE, WHITE, BLACK, BLACK, BLACK]
    assert art["layer pass"] == art["material pass"] == [BLACK, WHITE, WHITE, BLACK, BLACK, BLACK]
    assert art["collection"] == [WHITE, WHITE, BLACK, BLACK, WHITE, WHITE]
    assert art["view layers"] == art["all lines"], "what one of the view layers shows is in the line art"
    assert art["hidden"] == [BLACK, BLACK, WHITE, WHITE, BLACK, BLACK]
    assert art["colors"][:5] == [BLUE, RED, WHITE, BLACK, BLACK]
    for folder in tmp_path.glob("*/keyframes"):
        painted = read(folder / "0001.png", *PLACES)
        behind = WHITE if folder.parent.name == "hidden" else BLACK
        assert painted[:5] == [BLUE, RED, RED, behind, BLACK], "a painted keyframe shows all layers as they are"
        assert painted[5] == art["colors"][5]


def test_color_trace_lines_have_a_color_of_their_own(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("lineart.traces", str(tmp_path))
    assert answer["layer"] == answer["black"] == [["#ff00ff"], "sides"]
    assert answer["color"] == [["#0000ff", "#ff00ff"], "darker"]
    assert "turn on Keep Line Colors" in answer["message"]
    assert [answer["no material"], answer["material"], answer["black material"]] == [[], ["#ff00ff"], ["#ff00ff"]]
    for name in ("layer", "black", "material", "black material"):
        note, *seen = read(tmp_path / name / "lineart" / "0001.png", *PLACES)
        assert note == (255, 0, 255), name
        assert [max(color) < 128 for color in seen[:4]] == [False, False, True, True], "other layers are as ever"


def test_a_layer_holds_what_its_name_says_until_somebody_chooses(scenario: Scenario) -> None:
    fills = ["Fills", "fill.001", "BG_Color", "hair colours 2", "Paint", "Remplissage", "塗り"]
    lines = ["Lines", "Color Lines", "Filled", "Layer", "painting"]
    *held, alone = scenario("lineart.named_layers", *fills, *lines, "Colors")
    assert held == ["fills"] * len(fills) + ["lines"] * len(lines) + ["fills"]
    assert alone == "lines", "an object has lines"


def test_fills_that_hide_nothing_leave_the_lines_as_they_are(scenario: Scenario, tmp_path: Path) -> None:
    scenario("lineart.shadows", str(tmp_path))
    art = {path.parents[1].name: pixels(path) for path in tmp_path.glob("*/lineart/0001.png")}
    for kind in ("material", "opacity", "multiply", "layer of fills"):
        assert np.array_equal(art[kind], art["none"]), kind
    assert read(tmp_path / "opaque" / "lineart" / "0001.png", *PLACES) == [WHITE] * 4 + [BLACK] * 2


def test_fills_without_lines_are_drawn_content_on_layers_of_lines_and_paint_elsewhere(
    scenario: Scenario, tmp_path: Path
) -> None:
    scenario("lineart.lineless", str(tmp_path))
    for name, pupil in (("drawn", BLUE), ("chosen", BLUE), ("painted", WHITE), ("layer", WHITE), ("ground", WHITE)):
        for frame, x in ((1, -0.5), (2, 0.0)):
            image = tmp_path / name / "lineart" / f"{frame:04d}.png"
            assert read(image, (x, 0.2), (x + 0.7, 0.1), (x, -0.4)) == [pupil, BLACK, WHITE], (name, frame)


def test_the_monkey_is_drawn_with_its_pupils_and_without_its_paint(scenario: Scenario, tmp_path: Path) -> None:
    scenario("lineart.lineless", str(tmp_path))
    art, painted = (pixels(tmp_path / "monkey" / kind / "0001.png").astype(int) for kind in ("lineart", "keyframes"))
    black, skin, eyes = ((painted == color).all(axis=2) for color in ((0, 0, 0), (190, 128, 71), (216, 184, 153)))
    assert black.sum() > 300 and skin.sum() > 1000 and eyes.sum() > 100
    assert (art[black] < 64).mean() > 0.95, "lines and pupils are drawn content"
    assert (art[skin | eyes] == 255).mean() > 0.99, "skin and eyes are paint"


def test_paint_that_is_animated_or_instanced_stays_out_of_the_line_art(scenario: Scenario, tmp_path: Path) -> None:
    scenario("lineart.animated_paint", str(tmp_path))
    assert pixels(tmp_path / "lineart" / "0001.png").shape == (100, 200, 3)
    assert read(tmp_path / "lineart" / "0001.png", *PLACES) == [BLACK, BLACK, WHITE, BLACK, BLACK, BLACK]
    assert read(tmp_path / "keyframes" / "0001.png", *PLACES)[:3] == [BLUE, RED, RED]


def test_lines_of_meshes_are_dark_on_white_whatever_their_color_and_width(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("lineart.meshes", str(tmp_path))
    for source, manifest in answer.items():
        assert manifest["timing"] == [0, 1]
        for frame in (1, 2):
            art = pixels(tmp_path / source / "lineart" / f"{frame:04d}.png").astype(int)
            assert np.ptp(art, axis=2).max() == 0, source
            dark = (art < 64).all(axis=2)
            assert 0.005 < dark.mean() < 0.2, source
            assert (art == 255).all(axis=2).mean() > 0.8, source
            rows, columns = np.nonzero(dark)
            assert 40 < np.ptp(rows) < 99 and 40 < np.ptp(columns) < 120, "the cube's outline"


def test_the_shot_has_its_own_camera_size_and_step(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("lineart.views", str(tmp_path))
    assert (answer["percentage"]["width"], answer["percentage"]["height"]) == (960 * 12 // 100, 540 * 12 // 100)
    assert pixels(tmp_path / "percentage" / "keyframes" / "0001.png").shape == (540 * 12 // 100, 960 * 12 // 100, 3)
    assert answer["step"]["timing"] == [0, 0, 0, 1, 1, 1, 2]
    assert len(list((tmp_path / "step" / "lineart").iterdir())) == 7
    files = {
        name: [(tmp_path / name / "lineart" / f"{frame:04d}.png").read_bytes() for frame in (4, 5)]
        for name in ("own", "close", "markers", "chosen")
    }
    assert files["own"][0] != files["close"][0]
    assert files["markers"] == [files["close"][0], files["own"][1]], "a marker binds a camera from its frame on"
    assert files["chosen"] == files["close"], "a chosen camera goes before the markers'"
    key, art = (pixels(tmp_path / "close" / name / "0004.png") for name in ("keyframes", "lineart"))
    assert (key[(art == 0).all(axis=2)] == 0).all(), "the keyframe is not seen by the same camera"


@pytest.fixture
def held(scenario: Scenario, tmp_path: Path) -> dict:
    return scenario("lineart.held", str(tmp_path))


def test_a_held_drawing_is_rendered_once_where_nothing_else_moves(held: dict, tmp_path: Path) -> None:
    assert held["still"]["rendered"] == 4 + 1, "four drawings and the keyframe"
    assert held["still"]["manifest"]["timing"] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(held["still"]["manifest"]["drawings"]) == 4
    assert len(list((tmp_path / "still" / "lineart").iterdir())) == 8
    # In the scene with a handler all frames were rendered; the handler moves but one figure.
    for name in ("animated", "driven", "noise", "handler"):
        assert held[name]["rendered"] == 8 + 1, name
    assert held["animated"]["manifest"]["drawings"] == held["still"]["manifest"]["drawings"]
    for name in ("driven", "handler"):
        assert len(held[name]["manifest"]["drawings"]) == 8, name


def test_the_preview_is_the_current_frame_and_changes_nothing_else(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("lineart.preview", str(tmp_path))
    assert (answer["size"], answer["packed"], answer["differences"]) == ([240, 135], True, [])
    first, second = (pixels(tmp_path / f"{frame}.png").astype(int) for frame in (3, 41))
    assert (first == 255).all(axis=2).mean() > 0.8 and first.min() < 40
    assert (first != second).any()
    assert "Freestyle is off" in answer["message"]


def test_odd_names_of_folders_and_scenes_do_no_harm(scenario: Scenario, tmp_path: Path) -> None:
    assert len(scenario("lineart.odd_names", str(tmp_path))) == 6
