# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories are cut, framed and mirrored together with their labels, and used several times."""

from itertools import islice

import numpy as np
import pytest

from server.coloring.line_art.regions import find_regions
from server.coloring.piece_matching import find_pieces
from server.training import stories
from server.training.stories import (
    KEYFRAMES,
    SCALES,
    SHOWN,
    TARGETS,
    Story,
    StoryShape,
    StoryStream,
    choose_window,
    collate_windows,
    draw_story,
)

SMALL = StoryShape(height=64, width=96)


def story_of(seed: int, scale: float = 1, whole: float = 1) -> Story:
    story = draw_story(seed, SMALL, scale, whole)
    assert story is not None
    return story


@pytest.mark.parametrize(("scale", "whole"), SCALES)
def test_a_story_has_keyframes_and_targets_of_one_size(scale: float, whole: float) -> None:
    story = story_of(5, scale, whole)
    assert len(story.drawings) == KEYFRAMES + TARGETS
    for drawing in story.drawings:
        assert drawing.line_art.shape == drawing.labels.shape == (round(64 * scale), round(96 * scale))
        assert drawing.entries.max() < story.count
    times = [drawing.time for drawing in story.drawings[KEYFRAMES:]]
    assert times == sorted(times) and min(times) >= 0


def test_painted_drawings_have_pure_pieces() -> None:
    for seed in range(4):
        for drawing in story_of(seed).drawings[:KEYFRAMES]:
            assert (drawing.purity == 1).all()


def test_some_keyframes_have_a_camera_of_their_own() -> None:
    drawings = [drawing for seed in range(8) for drawing in story_of(seed).drawings]
    outside = [drawing.time < 0 for drawing in drawings]
    assert 0 < sum(outside) < len(outside) / 4


def test_a_mirrored_drawing_is_described_like_one_that_was_drawn_mirrored() -> None:
    drawing = story_of(3).drawings[-1]
    mirrored = drawing.mirrored().pieces
    line_art = np.ascontiguousarray(drawing.line_art[:, ::-1])
    anew = find_pieces(line_art, find_regions(line_art))
    assert np.array_equal(mirrored.labels, drawing.pieces.labels[:, ::-1])
    compared = 0
    for piece in range(len(mirrored)):
        alike = (anew.centers == mirrored.centers[piece]).all(axis=1) & (anew.areas == mirrored.areas[piece])
        if alike.sum() == 1:  # the grid and the closing of gaps may cut other pieces in another way
            (same,) = np.flatnonzero(alike)
            assert np.allclose(anew.geometry[same], mirrored.geometry[piece], atol=1e-5)
            both = ((anew, same), (mirrored, piece))
            own, other = (pieces.fine[pieces.fine[:, 0] == number, 1:].tolist() for pieces, number in both)
            assert sorted(own) == sorted(other)
            compared += 1
    assert compared > len(mirrored) / 2


def test_a_batch_is_padded_and_refers_to_its_own_features() -> None:
    rng = np.random.default_rng(0)
    windows = [choose_window(story_of(seed), 2, rng) for seed in (1, 2)]
    batch = collate_windows(windows, 2)
    drawings = 2 * (2 + SHOWN)
    drawn = batch["drawn"]
    assert len(batch["count"]) == 2 and len(drawn.areas) == drawings
    assert np.allclose(drawn.areas.sum(1), [(d.pieces.labels >= 0).mean() for window, _ in windows for d in window])
    pieces = drawn.areas.shape[1]
    firsts = drawn.fine.first.reshape(drawings, pieces)
    assert (firsts.diff(dim=1) >= 0).all()
    features = drawn.fine.feature[firsts[3, 0] : firsts[4, 0]]
    assert (features // (16 * 24) == 3).all(), "drawing 3 has features of its own"
    assert np.isclose(drawn.fine.weight.sum().item(), (drawn.areas > 0).sum().item(), rtol=1e-4)
    assert batch["still"][0][drawn.areas[0] > 0].all(), "the first keyframe stands still"


def test_a_stream_uses_each_story_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(stories, "draw_story", lambda seed, *_: drawn.append(seed) or story_of(seed % 4))
    batches = list(islice(StoryStream(SMALL, 1, 70), 40))
    windows = sum(len(batch["count"]) for batch in batches)
    assert drawn == list(range(70, 70 + len(drawn)))
    assert windows / stories.USES <= len(drawn) <= windows / stories.USES + 3 * len(SCALES)
