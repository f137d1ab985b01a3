# SPDX-License-Identifier: GPL-3.0-or-later
"""The line matcher's stage trains on windows of several sizes, stops, continues, and shows its results."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from server.coloring.matching import LineMatcher
from server.training import run
from server.training.run import TrainingRun
from server.training.stage import Settings
from server.training.stages.match import SCALES, MatchStage, WindowShape, draw_window, draw_windows, train_match

SMALL = WindowShape(drawings=2, height=64, width=96)
QUICK = Settings(steps=1, batch=6, workers=0)


def small_matcher() -> LineMatcher:
    return LineMatcher(width=8, layers=2, heads=2, features=8)


def test_a_batch_is_of_one_size_and_the_larger_the_windows_the_fewer() -> None:
    shapes = {draw_windows(seed, SMALL, 6)["line_art"].shape for seed in range(12)}
    assert shapes == {(6, 3, 64, 96), (2, 3, 96, 144), (1, 3, 128, 192)}


@pytest.mark.parametrize(("scale", "whole"), SCALES)
def test_a_window_is_a_part_of_its_drawings(scale: float, whole: float) -> None:
    part, everything = draw_window(5, SMALL, scale, whole), draw_window(5, SMALL, whole, whole)
    for kind in ("line_art", "labels"):
        assert part[kind].shape == (3, round(64 * scale), round(96 * scale))
    found = cv2.matchTemplate(everything["line_art"][1], part["line_art"][1], cv2.TM_SQDIFF)
    top, left = np.unravel_index(found.argmin(), found.shape)
    rows, columns = part["line_art"].shape[1:]
    assert np.array_equal(everything["line_art"][:, top : top + rows, left : left + columns], part["line_art"])
    assert part["labels"].max() < len(np.unique(everything["labels"]))


def test_the_stage_stops_and_goes_on(tmp_path: Path) -> None:
    small_matcher().save_pretrained(tmp_path / "line_matcher")
    train_match(tmp_path, SMALL, QUICK)
    first = LineMatcher.from_pretrained(tmp_path / "line_matcher")
    train_match(tmp_path, SMALL, replace(QUICK, steps=2))
    rows = (tmp_path / "match-run" / "log.csv").read_text().splitlines()
    assert [int(row.split(",")[0]) for row in rows] == [1, 2]
    second = LineMatcher.from_pretrained(tmp_path / "line_matcher")
    assert not torch.equal(first.blocks[0].to_out.weight, second.blocks[0].to_out.weight)
    picture = cv2.imread(str(next((tmp_path / "match-run" / "samples").iterdir())))
    assert picture.shape[1] == 3 * 96 + 2 * 4 and picture.std() > 10


def test_sizes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--size 80x48 does not fit the line matcher: use multiples of 32"):
        train_match(tmp_path, WindowShape(drawings=2, height=48, width=80), QUICK)


def test_samples_that_the_weights_have_seen_are_not_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []
    monkeypatch.setattr("server.training.stages.match.draw_windows", lambda seed, **_: seeds.append(seed) or batch)
    batch = draw_windows(0, SMALL, 1)
    small_matcher().save_pretrained(tmp_path / "line_matcher")
    train_match(tmp_path, SMALL, replace(QUICK, steps=2, seen=70))
    assert seeds[:2] == [70, 71]


def test_matching_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WARMUP_STEPS", 1)
    torch.manual_seed(0)
    small_matcher().save_pretrained(tmp_path / "line_matcher")
    stage = MatchStage(tmp_path / "line_matcher", SMALL)
    batch = draw_windows(0, SMALL, 2)
    before = stage.loss(batch).item()
    TrainingRun(tmp_path / "fit", stage.modules, 1e-2).train(iter(lambda: batch, None), stage.loss, 5, steps=15)
    assert stage.loss(batch).item() < 0.7 * before
