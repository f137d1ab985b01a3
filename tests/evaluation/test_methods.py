# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of the stack are off where a method requires it, and names on the command line are checked."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from server.coloring.ablation import FULL, Ablation
from server.coloring.colorizer import Colorizer
from server.coloring.numbered_files import FolderError
from server.coloring.shot import Guess, Shot
from server.evaluation import paradigms
from server.evaluation.colored_clip import ColoredClip
from server.evaluation.methods import METHODS, TABLES, Task, parse_methods
from server.evaluation.paradigms import LVCD, MODEL, color_by_last_frame, color_from_neighbors, color_shot
from server.longanimation import FUSION_START, LongAnimationPipeline
from tests.coloring.drawings import scene

pytestmark = pytest.mark.slow

DRAWINGS, SEGMENT = 9, 7


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    loaded = Colorizer.from_preset("tiny")
    loaded.preset = replace(loaded.preset, segment=SEGMENT, steps=2, votes=1, pixels=96 * 64)
    return loaded


@pytest.fixture(scope="module")
def rolling():
    return tuple(zip(*(scene(60 + 6 * step) for step in range(DRAWINGS)), strict=True))


@pytest.fixture(scope="module")
def shot(rolling) -> Shot:
    drawings, truth = rolling
    return Shot(drawings, {0: truth[0]})


def stand_in() -> Any:
    """A colorizer for methods whose shots are colored by something else."""
    return SimpleNamespace(preset=SimpleNamespace(segment=SEGMENT))


def guess(number: int) -> Guess:
    """A guess that can be recognized."""
    return Guess("#000000", "#ffffff", 0.0, number, (0, 0, 1, 1))


def spied(colorizer: Colorizer, shot: Shot, ablation: Ablation, monkeypatch) -> tuple[list, list]:
    """Color a shot; return for each mapped memory whether it is two, and for each segment when fusion starts and
    whether it reads memory."""
    memories, starts = [], []
    call, map_memory = LongAnimationPipeline.__call__, LongAnimationPipeline.map_memory

    def spied_memory(self, history, latest):
        memories.append(latest is not None)
        return map_memory(self, history, latest)

    def spied_call(self, *args, **arguments):
        starts.append((arguments["fusion_start"], arguments["memory"] is not None))
        return call(self, *args, **arguments)

    monkeypatch.setattr(LongAnimationPipeline, "map_memory", spied_memory)
    monkeypatch.setattr(LongAnimationPipeline, "__call__", spied_call)
    colored = color_shot(colorizer, shot, ablation)
    assert len(colored.frames) == DRAWINGS
    return memories, starts


@pytest.mark.parametrize(
    ("ablation", "reads", "with_both", "start"),
    [
        (MODEL, True, True, FUSION_START),
        (Ablation(memory=("global",), propagated=False), True, False, FUSION_START),
        (Ablation(memory=("local",), propagated=False), True, False, FUSION_START),
        (LVCD, False, False, 0.0),
    ],
)
def test_only_what_is_on_reaches_the_model(colorizer, shot, ablation, reads, with_both, start, monkeypatch):
    memories, starts = spied(colorizer, shot, ablation, monkeypatch)
    assert starts[0] == (start, False)  # the first segment has nothing to look back at
    assert starts[1:] and all(each == (start, reads) for each in starts[1:])
    assert len(memories) == (len(starts) - 1 if reads else 0)
    assert all(both == with_both for both in memories)


def test_the_whole_stack_is_what_an_animator_gets(colorizer, shot):
    coloring = colorizer.open(shot)
    expected, guesses = {}, {}
    for index in range(len(coloring.segments)):
        result = coloring.color(index)
        expected |= result.frames
        guesses |= result.guesses
    colored = color_shot(colorizer, shot, FULL)
    assert all((frame == expected[index]).all() for index, frame in enumerate(colored.frames))
    assert colored.guesses == guesses


def test_a_preview_never_asks_the_model(colorizer, rolling, monkeypatch):
    def fail(*arguments, **names):
        raise AssertionError("the model was asked")

    drawings, truth = rolling
    monkeypatch.setattr(LongAnimationPipeline, "__call__", fail)
    clip = SimpleNamespace(drawings=drawings, truth=truth)
    task = Task(clip, (0,), 0, lambda: colorizer)  # type: ignore[arg-type]
    assert len(METHODS["preview"].color(task).frames) == DRAWINGS
    with pytest.raises(AssertionError, match="the model was asked"):
        METHODS["ours"].color(task)


def test_the_model_alone_does_not_look_at_what_is_carried(colorizer, shot, monkeypatch):
    def fail(*arguments):
        raise AssertionError("the matcher was asked")

    monkeypatch.setattr("server.coloring.propagation.Propagator.propagate", fail)
    colorizer.open(shot, MODEL).color(0)
    with pytest.raises(AssertionError, match="the matcher was asked"):
        colorizer.open(shot, FULL).color(0)


def test_the_last_frame_of_a_segment_is_the_reference_of_the_next(rolling, monkeypatch):
    drawings, truth = rolling
    opened: list[Shot] = []

    def paint(colorizer, shot, ablation):
        opened.append(shot)
        places = range(len(shot.drawings))
        frames = [np.full((180, 320, 3), 10 * len(opened) + place, np.uint8) for place in places]
        return ColoredClip(frames, {place: [guess(10 * len(opened) + place)] for place in places})

    monkeypatch.setattr(paradigms, "color_shot", paint)
    drawings, keyframe = (*drawings, *drawings), truth[2]
    frames, guesses = color_by_last_frame(stand_in(), drawings, {2: keyframe}, seed=3)
    assert len(frames) == 18 and {shot.seed for shot in opened} == {3}
    assert [len(shot.drawings) for shot in opened] == [7, 7, 4, 3]  # 2…8, 8…14, 14…17, and 2…0 backward
    references = [shot.keyframes[0] for shot in opened]
    assert references[0] is keyframe and references[3] is keyframe
    assert (references[1] == 16).all() and (references[2] == 26).all()
    assert [int(frame[0, 0, 0]) for frame in frames] == [42, 41, *range(10, 17), *range(21, 27), *range(31, 34)]
    assert [found.share for (found,) in (guesses[index] for index in range(18))] == [frame[0, 0, 0] for frame in frames]


def test_every_keyframe_begins_segments_of_its_own(rolling, monkeypatch):
    opened: list[Shot] = []

    def paint(colorizer, shot, ablation):
        opened.append(shot)
        return ColoredClip([shot.keyframes[0]] * len(shot.drawings), {})

    monkeypatch.setattr(paradigms, "color_shot", paint)
    drawings, truth = rolling
    frames, _ = color_by_last_frame(stand_in(), drawings, {8: truth[8], 1: truth[1], 0: truth[0]}, seed=0)
    assert [len(shot.drawings) for shot in opened] == [1, 4, 4]  # 0, 1…4, 8…5
    assert frames[0] is truth[0] and all(frame is truth[1] for frame in frames[1:5])
    assert all(frame is truth[8] for frame in frames[5:])


def test_each_drawing_is_a_preview_from_the_drawing_before(rolling, monkeypatch):
    drawings, truth = rolling
    opened: list[Shot] = []

    def paint(colorizer, shot):
        opened.append(shot)
        frames = [shot.keyframes[0], np.full((180, 320, 3), len(opened), np.uint8)]
        return ColoredClip(frames, {1: [guess(len(opened))]} if len(opened) == 3 else {})

    monkeypatch.setattr(paradigms, "color_shot", paint)
    frames, guesses = color_from_neighbors(stand_in(), drawings, truth)
    assert [int(frame[0, 0, 0]) for frame in frames] == list(range(1, DRAWINGS + 1))
    assert {index: len(found) for index, found in guesses.items() if found} == {2: 1}
    for drawing, (shot, painted) in enumerate(zip(opened, (1, *range(DRAWINGS - 1)), strict=True)):
        assert shot.quality == "preview" and len(shot.drawings) == 2
        assert shot.drawings[0] is drawings[painted] and shot.drawings[1] is drawings[drawing]
        assert list(shot.keyframes) == [0] and shot.keyframes[0] is truth[painted]


def test_a_shot_of_one_drawing_has_a_last_frame_too(rolling, monkeypatch):
    monkeypatch.setattr(
        paradigms, "color_shot", lambda colorizer, shot, ablation: ColoredClip(list(shot.keyframes.values()), {})
    )
    ((frame,), _) = color_by_last_frame(stand_in(), rolling[0][:1], {0: rolling[1][0]}, seed=0)
    assert frame is rolling[1][0]


def test_methods_are_chosen_by_name_or_table():
    assert parse_methods("flow, hold,ours") == ("ours", "hold", "flow")
    assert parse_methods("table3,hold") == ("hold", "dglm", "no-fusion", "fusion-50", "fusion-40")
    alone = {"preview", "ceiling", "consecutive"}
    assert {name for table in TABLES.values() for name in table} == METHODS.keys() - alone
    with pytest.raises(FolderError, match="no method 'acof'"):
        parse_methods("hold,acof")
    with pytest.raises(FolderError, match="at least one"):
        parse_methods(",")
