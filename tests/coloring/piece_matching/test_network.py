# SPDX-License-Identifier: GPL-3.0-or-later
"""The piece matcher knows entries by their codes alone, and hides what is not there."""

from collections.abc import Sequence

import numpy as np
import torch

from server.coloring.line_art.regions import find_regions
from server.coloring.piece_matching import PieceMatcher, Pieces, ShotMatcher, find_pieces, gap_class
from server.training.stages.match import match_windows
from server.training.stories import StoryDrawing, collate_windows
from tests import second_device

from ..drawings import scene


def shot_matcher(
    matcher: PieceMatcher, line_art: Sequence[np.ndarray], keyframes: dict[int, np.ndarray]
) -> ShotMatcher:
    return ShotMatcher(
        matcher,
        line_art.__getitem__,
        lambda drawing: find_regions(line_art[drawing]),
        keyframes,
        np.arange(3, dtype=np.uint8),
        len(line_art),
    )


def small_matcher() -> PieceMatcher:
    """A network whose layers do something, although it is not trained."""
    torch.manual_seed(0)
    matcher = PieceMatcher(width=8, dim=32, layers=2, heads=2, descriptor=8).eval()
    for parameter in matcher.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return matcher


def test_gaps_fall_into_classes() -> None:
    gaps = torch.tensor([-1, 0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 300])
    assert gap_class(gaps).tolist() == [0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]


def painted(x: int) -> tuple[np.ndarray, np.ndarray]:
    """A scene of twice the usual size, 640 pixels wide, and its entries: sky, red ball, blue ball."""
    line_art, painting = (image.repeat(2, 0).repeat(2, 1) for image in scene(x))
    entries = (painting[..., 0] > 200).astype(np.uint8) + 2 * (painting[..., 0] < 100)
    return line_art, entries


def story_drawing(x: int, time: int, is_painted: bool) -> StoryDrawing:
    line_art, labels = painted(x)
    pieces = find_pieces(line_art, find_regions(line_art), labels if is_painted else None)
    entries = np.array([np.bincount(labels[pieces.labels == number]).argmax() for number in range(len(pieces))])
    return StoryDrawing(line_art, labels, pieces, time, entries, np.ones(len(pieces)))


def test_a_shot_is_matched_on_another_device() -> None:
    line_art, entries = zip(*(painted(x) for x in (60, 90, 120)), strict=True)
    on_cpu = shot_matcher(small_matcher(), line_art, {0: entries[0]})
    with second_device.in_use() as device:
        there = shot_matcher(small_matcher().to(device), line_art, {0: entries[0]})
        for drawing in (1, 2):
            expected, found = on_cpu.match(drawing), there.match(drawing)
            assert np.allclose(found.chances, expected.chances, atol=1e-4)
            assert np.allclose(found.unseen, expected.unseen, atol=1e-4)


def test_training_and_coloring_see_the_same() -> None:
    """A batch of padded windows, without gradients and dropout, gives what a shot's matcher gives."""
    matcher = small_matcher()
    shown = [(60, 0, True), (90, 1, False), (120, 2, False)]
    drawings = [story_drawing(*one) for one in shown]
    line_art, entries = zip(*(painted(x) for x, _, _ in shown), strict=True)
    shot = shot_matcher(matcher, line_art, {0: entries[0]})
    padded = [story_drawing(*one) for one in ((60, 0, True), (130, 1, False), (200, 2, False))]
    torch.manual_seed(0)
    values = collate_windows([(drawings, 3), (padded, 3)], 1)
    with torch.no_grad(), torch.random.fork_rng():
        codes = shot._codes
        batched = match_windows(matcher, values, memory=True, draw_codes=lambda count: codes)
    for place, drawing in enumerate((1, 2)):
        matches = shot.match(drawing)
        own = batched.chances[place, : len(matches.pieces)].numpy()
        assert np.allclose(own[:, :3], matches.chances, atol=1e-4)
        assert np.allclose(own[:, 3], matches.unseen, atol=1e-4)


def test_every_keyframe_is_seen_whichever_is_nearest() -> None:
    matcher = small_matcher()
    line_art, entries = zip(*(painted(x) for x in (60, 90, 120, 150)), strict=True)
    one = shot_matcher(matcher, line_art, {0: entries[0]})
    two = shot_matcher(matcher, line_art, {0: entries[0], 3: entries[3]})
    assert not np.allclose(one.match(1).chances, two.match(1).chances, atol=1e-4)


def test_a_drawing_does_not_depend_on_the_order_of_work() -> None:
    matcher = small_matcher()
    line_art, entries = zip(*(painted(x) for x in (60, 80, 100, 120, 140)), strict=True)
    forward, backward = (shot_matcher(matcher, line_art, {2: entries[2]}) for _ in range(2))
    first = {drawing: forward.match(drawing).chances for drawing in (0, 1, 3, 4)}
    assert all(np.array_equal(backward.match(drawing).chances, first[drawing]) for drawing in (4, 3, 1, 0))


def test_a_drawing_without_paper_is_unknown() -> None:
    line_art, entries = painted(60)
    black = np.zeros_like(line_art)
    matches = shot_matcher(small_matcher(), [line_art, black], {0: entries}).match(1)
    assert isinstance(matches.pieces, Pieces) and matches.chances.shape == (0, 3)
