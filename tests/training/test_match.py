# SPDX-License-Identifier: GPL-3.0-or-later
"""The line matcher's stage trains, stops, continues, and shows its results."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from server.coloring.matching import LineMatcher
from server.training import run
from server.training.run import TrainingRun
from server.training.stage import Settings
from server.training.stages import match
from server.training.stages.match import MatchStage, train_match
from server.training.stories import SHOWN, StoryShape, choose_window, collate_windows, draw_story

SMALL = StoryShape(height=64, width=96)
QUICK = Settings(steps=1, batch=1, workers=0)


def small_matcher() -> LineMatcher:
    return LineMatcher(width=8, layers=2, heads=2, features=8)


def batch_of(seed: int, keyframes: int = 2) -> dict[str, Any]:
    story = draw_story(seed, SMALL)
    assert story is not None
    return collate_windows([choose_window(story, keyframes, np.random.default_rng(seed))], keyframes)


def test_the_stage_stops_and_goes_on(tmp_path: Path) -> None:
    small_matcher().save_pretrained(tmp_path / "line_matcher")
    train_match(tmp_path, SMALL, QUICK)
    first = LineMatcher.from_pretrained(tmp_path / "line_matcher")
    train_match(tmp_path, SMALL, replace(QUICK, steps=2))
    rows = (tmp_path / "match-run" / "log.csv").read_text().splitlines()
    assert [int(row.split(",")[0]) for row in rows] == [1, 2]
    assert all(0 <= float(row.split(",")[5]) <= 1 for row in rows), "the share of moved queries that are right"
    second = LineMatcher.from_pretrained(tmp_path / "line_matcher")
    assert not torch.equal(first.blocks[0].to_out.weight, second.blocks[0].to_out.weight)
    picture = cv2.imread(str(next((tmp_path / "match-run" / "samples").iterdir())))
    assert picture.shape[1] == (1 + SHOWN) * 96 + SHOWN * 4 and picture.std() > 10


def test_sizes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--size 80x48 does not fit the line matcher: use multiples of 32"):
        train_match(tmp_path, StoryShape(height=48, width=80), QUICK)


def test_what_no_keyframe_shows_is_not_asked(tmp_path: Path) -> None:
    stage = MatchStage(tmp_path / "line_matcher", SMALL)
    batch = batch_of(1)
    batch["labels"][:, :2] = 0
    batch["labels"][:, 2:] = 1
    assert stage.loss(batch).item() == 0


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("keyframes", [1, 3])
def test_drawings_learn_from_keyframes_and_from_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, keyframes: int
) -> None:
    monkeypatch.setattr(match, "MEMORY_SHARE", share)
    monkeypatch.setattr(match, "SEEN", 1.0)
    small_matcher().save_pretrained(tmp_path / "line_matcher")
    stage = MatchStage(tmp_path / "line_matcher", SMALL)
    stage.loss(batch_of(2, keyframes)).backward()
    gradient = stage.matcher.bias.grad
    assert gradient is not None
    assert bool(gradient[1:].any()) == bool(share), "only with a memory are there finished drawings"


def test_a_matcher_that_grows_gives_the_same_features_at_first() -> None:
    small = LineMatcher(width=8, layers=2, heads=2, features=8, roles=2)
    with torch.no_grad():
        small.bias.copy_(torch.tensor([0.5, -0.5]))
    grown = match.grow(small, 4)
    assert (grown.config.layers, grown.config.roles) == (4, 4)
    assert grown.bias.tolist() == [0.5, -0.5, -0.5, -0.5]
    line_art, areas = torch.rand(1, 3, 32, 48), torch.zeros(1, 3, 8, 12, dtype=torch.int64)
    before, after = (matcher.eval()(line_art, areas) for matcher in (small, grown))
    assert torch.allclose(before.descriptors, after.descriptors, atol=1e-6)


def test_matching_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WARMUP_STEPS", 1)
    torch.manual_seed(0)
    small_matcher().save_pretrained(tmp_path / "line_matcher")
    stage = MatchStage(tmp_path / "line_matcher", SMALL)
    batch = batch_of(0)
    before = stage.loss(batch).item()
    TrainingRun(tmp_path / "fit", stage.modules, 1e-2).train(iter(lambda: batch, None), stage.loss, 5, steps=25)
    assert stage.loss(batch).item() < 0.7 * before
