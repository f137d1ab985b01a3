# SPDX-License-Identifier: GPL-3.0-or-later
"""Equal jobs and segments are recognized as equal, and those with the same key have the same frames."""

from dataclasses import replace

import numpy as np
import pytest

from server.coloring.colorizer import Colorizer
from server.coloring.shot import Shot
from server.coloring.shot_coloring import ShotColoring
from server.jobs.reuse import job_fingerprint, segment_keys
from server.training.cartoon import draw_clip
from shared.digests import address_of
from shared.manifest import Keyframe, ShotManifest

pytestmark = pytest.mark.slow

DRAWINGS, FIRST, ADDED = 26, 0, 22


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    loaded = Colorizer.from_preset("tiny")
    loaded.preset = replace(loaded.preset, segment=7, steps=1, votes=1)
    return loaded


@pytest.fixture(scope="module")
def clip():
    return draw_clip(seed=123456789, drawings=DRAWINGS, width=160, height=96)


def manifest_of(clip, keyframes: dict[int, np.ndarray]) -> ShotManifest:
    return ShotManifest(
        name="walk",
        frame_start=1,
        fps=24.0,
        width=160,
        height=96,
        drawings=tuple(address_of(drawing.tobytes()) for drawing in clip.line_art),
        timing=tuple(range(DRAWINGS)),
        keyframes=tuple(
            Keyframe(1 + drawing, address_of(image.tobytes()), correction)
            for correction, (drawing, image) in enumerate(keyframes.items())
        ),
    )


def painted(clip) -> dict[int, np.ndarray]:
    """The first keyframe."""
    image = clip.colors[clip.labels[FIRST]] * (clip.line_art[FIRST][..., None] / 255)
    return {FIRST: image.round().astype(np.uint8)}


def opened(colorizer: Colorizer, clip, keyframes: dict[int, np.ndarray]) -> ShotColoring:
    return colorizer.open(Shot(list(clip.line_art), keyframes, corrections=range(len(keyframes))))


def test_a_corrected_frame_recolors_only_what_depends_on_it(colorizer: Colorizer, clip) -> None:
    keyframes = painted(clip)
    parent = opened(colorizer, clip, keyframes)
    results = [parent.color(index) for index in range(len(parent.segments))]
    wrong = next(result.frames[ADDED] for result in results if ADDED in result.frames)
    colors, counts = np.unique(wrong.reshape(-1, 3), axis=0, return_counts=True)
    first, second = colors[np.argsort(-counts)[:2]]
    corrected = np.where((wrong == first).all(axis=-1, keepdims=True), second, wrong)  # in a color that is there

    both = keyframes | {ADDED: corrected}
    child = opened(colorizer, clip, both)
    parent_keys, child_keys = (
        segment_keys(parent, manifest_of(clip, keyframes)),
        segment_keys(child, manifest_of(clip, both)),
    )
    assert len(set(child_keys)) == len(child_keys)
    assert child_keys[: len(parent_keys)] == parent_keys and len(child_keys) > len(parent_keys)
    for index, result in enumerate(results):  # the corrected frame is no keyframe of theirs
        again = child.color(index)
        assert again.state == result.state
        assert all(np.array_equal(again.frames[drawing], frame) for drawing, frame in result.frames.items())
    last = child.color(len(parent_keys))
    off = np.abs(last.frames[ADDED].astype(int) - corrected).max(axis=2)
    assert (off[clip.line_art[ADDED] == 255] == 0).mean() > 0.98
    assert all(segment.keyframe == ADDED for segment in child.segments[len(parent_keys) :])


def test_a_correction_with_a_new_color_costs_no_more(colorizer: Colorizer, clip) -> None:
    keyframes = painted(clip)
    parent = opened(colorizer, clip, keyframes)
    results = [parent.color(index) for index in range(len(parent.segments))]
    both = keyframes | {ADDED: np.where(clip.line_art[ADDED][..., None] < 255, np.uint8(0), np.uint8((1, 254, 1)))}
    child = opened(colorizer, clip, both)
    keys = segment_keys(child, manifest_of(clip, both))
    assert keys[: len(results)] == segment_keys(parent, manifest_of(clip, keyframes))
    for index, result in enumerate(results):
        child.restore(index, result)
    frame = child.color(len(results)).frames[ADDED]
    assert (frame[clip.line_art[ADDED] == 255] == (1, 254, 1)).all(axis=1).mean() > 0.98

    resumed = opened(colorizer, clip, both)  # some of what it corrects is gone
    for index, result in enumerate(results[:2]):
        resumed.restore(index, result)
    assert resumed.color(2).state == results[2].state


def test_name_timing_and_priority_change_no_frame_and_everything_else_does(clip) -> None:
    shot = manifest_of(clip, painted(clip))
    same = {"name": "run", "frame_start": 101, "fps": 12.0, "priority": "low", "parent": "x"}
    same |= {"timing": tuple(drawing for drawing in range(DRAWINGS) for _ in range(2))}
    moved = replace(shot, **same, keyframes=(replace(shot.keyframes[0], frame=101),))
    assert job_fingerprint(moved) == job_fingerprint(shot)
    others = [
        replace(shot, drawings=shot.drawings[::-1]),
        replace(shot, keyframes=(Keyframe(2, shot.keyframes[0].blob),)),
        replace(shot, keyframes=(Keyframe(1, "0" * 64),)),
        replace(shot, keyframes=(*shot.keyframes, Keyframe(1 + ADDED, shot.keyframes[0].blob))),
        replace(shot, keyframes=(*shot.keyframes, Keyframe(1 + ADDED, shot.keyframes[0].blob, 1))),
        replace(shot, prompt="rain"),
        replace(shot, seed=1),
        replace(shot, finish="painted"),
        replace(shot, quality="draft"),
        replace(shot, background="generated", prompt="rain"),
        replace(shot, width=161),
        replace(shot, palette=("#102030",)),
        replace(shot, palette=("#102030", "#102031")),
        replace(shot, traces=("#ff0000",)),
        replace(shot, traces=("#ff0000",), trace_fill="darker"),
        replace(shot, gap=0.1),
        replace(shot, smallest_region=20),
    ]
    assert len({job_fingerprint(other) for other in (shot, *others)}) == len(others) + 1
