# SPDX-License-Identifier: GPL-3.0-or-later
"""OCA documents become PSDs with the same pixels, and what cannot be used is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from server.cli import main

SIZE = 12, 8
SMALL = 4, 2


@pytest.fixture
def pictures() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    sizes = {"Sky/0003.png": SIZE, "Fée 妖精/0003.png": SIZE, "Fée 妖精/0005.png": SMALL}
    return {name: random.integers(0, 256, (height, width, 4), np.uint8) for name, (width, height) in sizes.items()}


@pytest.fixture
def document(tmp_path: Path, pictures: dict[str, np.ndarray]) -> dict[str, Any]:
    """A document in the folder of a take: a picture that is held, one in a corner, and a blank."""
    for name, picture in pictures.items():
        path = tmp_path / "layers.oca" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    small = {"fileName": "Fée 妖精/0005.png", "frameNumber": 5, "duration": 1, "position": [10, 7]}
    fairy = [
        {"fileName": "Fée 妖精/0003.png", "frameNumber": 3, "duration": 2, "position": [6.0, 4.0]},
        {**small, "opacity": 0.5},
        {"name": "_blank", "fileName": "", "frameNumber": 6, "duration": 1, "position": [0, 0]},
        {"fileName": "Fée 妖精/0003.png", "frameNumber": 7, "duration": 2, "position": [6.0, 4.0]},
    ]
    sky = [{"fileName": "Sky/0003.png", "frameNumber": 3, "duration": 6}]
    layers = [{"name": "Sky", "frames": sky}, {"name": "Fée 妖精", "frames": fairy}]
    return {"name": "shot", "width": SIZE[0], "height": SIZE[1], "startTime": 3, "endTime": 8, "layers": layers}


def write(folder: Path, document: object) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / "layers.oca" / "layers.oca").write_text(text, encoding="utf-8")


def test_each_drawing_is_a_psd_with_the_pixels_of_its_layers(
    tmp_path: Path, document: dict[str, Any], pictures: dict[str, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, document)
    assert main(["psd", str(tmp_path)]) == 0
    assert "3 PSDs with 2 layers" in capsys.readouterr().out
    folder = tmp_path / "layers.oca" / "psd"
    assert sorted(path.name for path in folder.iterdir()) == ["0003.psd", "0005.psd", "0006.psd"]
    sky, fairy = PSDImage.open(folder / "0003.psd")
    assert (sky.name, fairy.name) == ("Sky", "Fée 妖精")
    for layer, name in ((sky, "Sky/0003.png"), (fairy, "Fée 妖精/0003.png")):
        assert (np.asarray(layer.topil()) == pictures[name]).all()
    whole = Image.alpha_composite(*(Image.fromarray(pictures[one]) for one in ("Sky/0003.png", "Fée 妖精/0003.png")))
    merged = np.asarray(Image.open(folder / "0003.psd").convert("RGBA"))
    assert np.abs(merged.astype(int) - np.asarray(whole)).max() <= 1, "what programs without layers show"
    _, corner = PSDImage.open(folder / "0005.psd")
    assert corner.bbox == (8, 6, 12, 8) and corner.opacity == 128
    assert (np.asarray(corner.topil()) == pictures["Fée 妖精/0005.png"]).all()
    _, blank = PSDImage.open(folder / "0006.psd")
    assert not np.asarray(blank.topil())[..., 3].any()


def test_a_document_that_cannot_be_used_is_told_and_nothing_is_written(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def changed(**values: object) -> dict[str, Any]:
        sky = {**document["layers"][0], **values}
        return {**document, "layers": [sky, *document["layers"][1:]]}

    cel = {"frameNumber": 3, "duration": 1}
    (tmp_path / "outside.png").write_bytes(b"")
    (tmp_path / "layers.oca" / "text.png").write_text("no image")
    for content, sentence in (
        ("{", "is not a document of OCA"),
        ("[]", "the document cannot be used"),
        ({**document, "layers": []}, "layers cannot be used"),
        ({**document, "width": 0}, "width cannot be used"),
        ({**document, "colorDepth": "F16"}, "colorDepth cannot be used: Input should be 'U8'"),
        (changed(type="grouplayer"), "layers.0.type cannot be used: Input should be 'paintlayer'"),
        (changed(blendingMode="multiply"), "layers.0.blendingMode cannot be used"),
        (changed(frames=[{**cel, "fileName": "gone.png"}]), "'gone.png' is missing"),
        (changed(frames=[{**cel, "fileName": "../outside.png"}]), "is outside of the document's folder"),
        (changed(frames=[{**cel, "fileName": "text.png"}]), "text.png"),
    ):
        write(tmp_path, content)
        assert main(["psd", str(tmp_path), "--output", str(tmp_path / "psd")]) == 2
        said = capsys.readouterr().err
        assert sentence in said and "layers.oca" in said and said.count("\n") == 1, said
        assert not list(tmp_path.glob("psd/*")), sentence
    assert main(["psd", str(tmp_path / "nothing")]) == 2
    assert "nothing has no layers: part the take in Blender" in capsys.readouterr().err
