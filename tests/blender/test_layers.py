# SPDX-License-Identifier: GPL-3.0-or-later
"""A take is parted by objects and layers, in real Blender."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from server.cli import main

from .conftest import Scenario

FRAMES = range(3, 9)
_APART = 96
"""How much a pixel differs where another object is seen; softer edges differ less."""


def rgba(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGBA"))


def document_of(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(answer["layers"], "layers.oca").read_text(encoding="utf-8"))
    return found


def composited(pictures: list[Path]) -> np.ndarray:
    """Pictures laid over each other, the lowest first, by Pillow."""
    whole = Image.open(pictures[0]).convert("RGBA")
    for path in pictures[1:]:
        whole = Image.alpha_composite(whole, Image.open(path).convert("RGBA"))
    return np.asarray(whole)


def assert_layers_are_the_take(answer: dict[str, Any]) -> None:
    """The layers over each other are the take's frames, and the OCA document shows the same ones."""
    document = document_of(answer)
    folder = Path(answer["layers"])
    for frame in FRAMES:
        name = f"{frame:04d}.png"
        wanted = rgba(Path(answer["folder"], "colored", name)).astype(int)
        by_name = composited([folder / layer["name"] / name for layer in document["layers"]])
        shown = [
            folder / one["fileName"]
            for layer in document["layers"]
            for one in layer["frames"]
            if one["fileName"] and one["frameNumber"] <= frame < one["frameNumber"] + one["duration"]
        ]
        for found in (by_name, composited(shown)):
            off = np.abs(wanted - found.astype(int)).max(axis=2)
            off[(wanted[..., 3] == 0) & (found[..., 3] == 0)] = 0
            assert off.max() <= 1, f"frame {frame}: {(off > 1).sum()} pixels differ, by up to {off.max()}"


@pytest.mark.parametrize("look", ["filled", "lines", "holes"])
def test_layers_over_each_other_are_the_take(scenario: Scenario, tmp_path: Path, look: str) -> None:
    answer = scenario("layers.part", str(tmp_path), look)
    assert_layers_are_the_take(answer)
    assert answer["same"], "the scene is as it was"
    document = document_of(answer)
    names = [layer["name"] for layer in document["layers"]]
    assert names[-3:] == ["Background 2", "Girl", "Boy"] and set(names[:-3]) <= {"Background"}
    assert not [name for name in answer["folders"] if name.startswith(".")], "no unfinished folders"
    muted = [name.rsplit(" ", 1)[-1] for _, name, is_muted in answer["strips"] if is_muted]
    assert muted == ["fills", "lines"] and len(answer["strips"]) == 2 + len(names)
    assert len(answer["again"]) == len(answer["strips"]), "earlier layers are replaced"
    assert [is_muted for *_, is_muted in answer["undone"]] == [False, False], "one step to undo"
    if look == "filled":
        assert_owners(answer)


def assert_owners(answer: dict[str, Any]) -> None:
    """Off the lines, what an object shows is in its layer."""
    back, girl, boy = (rgba(path).astype(int)[..., :3] for path in answer["truths"])
    line_art = np.asarray(Image.open(Path(answer["folder"], "lineart", "0006.png")).convert("RGB")).min(axis=2)
    is_paper = line_art == 255
    is_boy = (np.abs(boy - girl).max(axis=2) > _APART) & is_paper
    is_girl = (boy == girl).all(axis=2) & (np.abs(girl - back).max(axis=2) > _APART) & is_paper
    assert is_boy.sum() > 500 and is_girl.sum() > 500
    for name, here, others in (("Boy", is_boy, is_girl), ("Girl", is_girl, is_boy)):
        alpha = rgba(Path(answer["layers"], name, "0006.png"))[..., 3]
        assert (alpha[here] == 255).mean() >= 0.995, name
        assert (alpha[others] == 0).mean() >= 0.995, name


def test_the_document_is_open_cel_animation(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("layers.layers", str(tmp_path))
    assert_layers_are_the_take(answer)
    document = document_of(answer)
    assert document["ocaVersion"] == "1.3.0" and document["colorDepth"] == "U8"
    assert (document["startTime"], document["endTime"]) == (FRAMES.start, FRAMES.stop - 1)
    names = [layer["name"] for layer in document["layers"]]
    assert names == ["Background", "Girl Drawing", "Girl Hat_Top"]
    for layer in document["layers"]:
        shown = [(one["frameNumber"], one["duration"]) for one in layer["frames"]]
        assert shown == [(3, 2), (5, 2), (7, 2)]
        assert layer["position"] == [document["width"] / 2, document["height"] / 2]
        assert layer["type"] == "paintlayer" and layer["blendingMode"] == "normal"
    ids = [one["id"] for layer in document["layers"] for one in (layer, *layer["frames"])]
    assert len(set(ids)) == len(ids)
    assert main(["psd", answer["folder"], "--output", str(tmp_path / "psd")]) == 0
    for frame in (3, 5, 7):
        psd = PSDImage.open(tmp_path / "psd" / f"{frame:04d}.psd")
        assert [layer.name for layer in psd] == names
        for layer in psd:
            picture = rgba(Path(answer["layers"], layer.name, f"{frame:04d}.png"))
            assert (np.asarray(layer.topil().convert("RGBA")) == picture).all()


def test_what_cannot_be_parted_changes_nothing(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("layers.refused", str(tmp_path))
    assert "other proportions" in answer["proportions"]
    assert "The lines of frame 3 are no longer where" in answer["moved"]
    assert "only known of Grease Pencil" in answer["source"]
    assert "0005.png is not a PNG image" in answer["broken"]
    assert "has no fills here" in answer["missing"]
    assert answer["unchanged"]
