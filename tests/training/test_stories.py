# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories are cut, framed and mirrored together with their labels, and used several times."""

from itertools import islice

import numpy as np
import pytest

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
        assert drawing.areas.shape == (round(16 * scale), round(24 * scale))
    times = [drawing.time for drawing in story.drawings[KEYFRAMES:]]
    assert times == sorted(times) and min(times) >= 0


def test_some_keyframes_have_a_camera_of_their_own() -> None:
    drawings = [drawing for seed in range(8) for drawing in story_of(seed).drawings]
    outside = [drawing.time < 0 for drawing in drawings]
    assert 0 < sum(outside) < len(outside) / 4


def test_a_mirrored_drawing_is_mirrored_in_all_that_it_has() -> None:
    drawing = story_of(3).drawings[-1]
    mirrored = drawing.mirrored()
    for name in ("line_art", "labels", "areas"):
        assert np.array_equal(getattr(mirrored, name), getattr(drawing, name)[:, ::-1])


def test_a_batch_has_windows_of_keyframes_and_targets() -> None:
    rng = np.random.default_rng(0)
    windows = [choose_window(story_of(seed), 2, rng) for seed in (1, 2)]
    batch = collate_windows(windows, 2)
    assert batch["line_art"].shape == batch["labels"].shape == (2, 2 + SHOWN, 64, 96)
    assert batch["areas"].shape == (2, 2 + SHOWN, 16, 24)
    assert batch["keyframes"] == 2 and (batch["times"][:, 2:].diff(dim=1) > 0).all()


def test_a_stream_uses_each_story_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(stories, "draw_story", lambda seed, *_: drawn.append(seed) or story_of(seed % 4))
    batches = list(islice(StoryStream(SMALL, 1, 70), 40))
    windows = sum(len(batch["line_art"]) for batch in batches)
    assert drawn == list(range(70, 70 + len(drawn)))
    assert windows / stories.USES <= len(drawn) <= windows / stories.USES + 3 * len(SCALES)
