# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots are matched, stored and used; the settler's stage trains on them, stops, and goes on."""

from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from server.coloring.matching import LineMatcher, Parts, Settler
from server.training import matched_shots
from server.training.matched_shots import DRAWINGS, MatchedShot, MatchedShots, match_shot
from server.training.stage import Settings
from server.training.stages.settle import SettleStage, train_settle

QUICK = Settings(steps=1, batch=2, workers=0)


@pytest.fixture(autouse=True)
def small_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matched_shots, "SIZES", ((64, 96),) * 3)


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small line matcher. Its descriptors have as many channels as those of the included one."""
    folder = tmp_path_factory.mktemp("matcher") / "line_matcher"
    LineMatcher(width=8, layers=2, heads=2, features=64).save_pretrained(folder)
    return folder


def color_count(picture: np.ndarray) -> int:
    """The number of colors of a picture uint8 [H, W, 3], without the gray behind its parts."""
    return len(np.unique(picture.reshape(-1, 3), axis=0)) - 1


def test_a_matched_shot_is_read_as_it_was_stored(matcher: Path, tmp_path: Path) -> None:
    shot = match_shot(3, LineMatcher.from_pretrained(matcher), None)
    assert shot is not None
    assert len(shot.drawings) == len(shot.times) == shot.keyframes + len(shot.truth)
    assert shot.keyframes + DRAWINGS >= len(shot.times) > shot.keyframes
    for parts, truth in zip(shot.drawings[shot.keyframes :], shot.truth, strict=True):
        assert truth.shape == parts.votes.shape
        assert (truth.sum(dim=1) <= 1.001).all()
    for parts in shot.drawings[: shot.keyframes]:
        assert set(parts.votes.unique().tolist()) == {0, 1}, "what is painted is known"
    shot.store(tmp_path / "3.pt")
    same = MatchedShot.load(tmp_path / "3.pt")
    assert same.keyframes == shot.keyframes and torch.equal(same.times, shot.times)
    for before, after in zip(shot.drawings, same.drawings, strict=True):
        for field in fields(Parts):
            one, other = getattr(before, field.name), getattr(after, field.name)
            assert one.dtype == other.dtype and torch.allclose(one.double(), other.double(), rtol=2e-3, atol=1e-3)


def test_what_no_keyframe_shows_has_no_truth() -> None:
    labels = np.zeros((1, 8, 8), np.uint8)
    labels[:, 4:] = 7

    class Painted:
        gradients = np.array([0, 1])

        def labels(self, keyframe: int) -> np.ndarray:
            return (labels[keyframe] > 0).astype(np.uint16)

    found = matched_shots._gradients_of_fills(labels, np.full((1, 8, 8), 255, np.uint8), Painted())  # type: ignore[arg-type]
    assert (found[1], found[8]) == (0, 1) and (np.delete(found, [1, 8]) == -1).all()


def test_shots_are_stored_and_used_again(matcher: Path, tmp_path: Path) -> None:
    stream = iter(MatchedShots(tmp_path / "shots", matcher, None, 2, 0))
    batches = [next(stream)["shots"] for _ in range(6)]
    stored = list((tmp_path / "shots").glob("*.pt"))
    assert all(len(set(batch)) == 2 for batch in batches)
    assert 2 <= len(stored) < 12, "each is used several times"


def test_the_stage_stops_and_goes_on(matcher: Path, tmp_path: Path) -> None:
    train_settle(tmp_path, matcher, None, QUICK)
    first = Settler.from_pretrained(tmp_path / "settler")
    train_settle(tmp_path, matcher, None, replace(QUICK, steps=2))
    rows = (tmp_path / "settle-run" / "log.csv").read_text().splitlines()
    assert [int(row.split(",")[0]) for row in rows] == [1, 2]
    assert all(0 <= float(value) <= 1 for row in rows for value in row.split(",")[5:7]), "right before and after"
    second = Settler.from_pretrained(tmp_path / "settler")
    assert not torch.equal(first.passes[0].gate.bias, second.passes[0].gate.bias)
    picture = cv2.imread(str(next((tmp_path / "settle-run" / "samples").iterdir())))
    assert color_count(picture) > 1


def test_a_picture_is_drawn_within_the_autocast_of_training(matcher: Path, tmp_path: Path) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert color_count(SettleStage(tmp_path, matcher, None).picture()) > 1
