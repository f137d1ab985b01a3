# SPDX-License-Identifier: GPL-3.0-or-later
"""The included preset colors a shot, with the same result whether or not it is interrupted."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from server.coloring.colorizer import Colorizer
from server.coloring.model_size import model_size
from server.coloring.painter import ModelPainter, NoPainter
from server.coloring.shot import Shot
from server.coloring.shot_coloring import ShotColoring
from server.presets.preset import WEIGHTS, UnknownPreset
from server.training.cartoon import draw_clip

from .drawings import with_alpha

pytestmark = pytest.mark.slow

DRAWINGS, KEYFRAME = 9, 2


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    loaded = Colorizer.from_preset("tiny")
    loaded.preset = replace(loaded.preset, pixels=160 * 96, segment=6, steps=2, votes=2)
    return loaded


@pytest.fixture(scope="module")
def clip():
    return draw_clip(seed=123456789, drawings=DRAWINGS, width=320, height=180)


def truth(clip, drawing: int) -> np.ndarray:
    return (clip.colors[clip.labels[drawing]] * (clip.line_art[drawing][..., None] / 255)).round().astype(np.uint8)


def shot_of(clip, **settings) -> Shot:
    return Shot(list(clip.line_art), {KEYFRAME: truth(clip, KEYFRAME)}, **settings)


def cut_out(shot: Shot, mask: np.ndarray) -> Shot:
    """The shot, its keyframe transparent in the mask, bool [H, W]."""
    return replace(shot, keyframes={KEYFRAME: with_alpha(shot.keyframes[KEYFRAME], 255 * ~mask)})


def color_all(coloring: ShotColoring) -> dict[int, np.ndarray]:
    frames: dict[int, np.ndarray] = {}
    for index in range(len(coloring.segments)):
        frames |= coloring.color(index).frames
    return frames


@pytest.fixture(scope="module")
def colored(colorizer: Colorizer, clip) -> Callable[[str], dict[int, np.ndarray]]:
    """The frames of the opaque shot with a finish, colored once."""
    return cache(lambda finish: color_all(colorizer.open(shot_of(clip, finish=finish))))


def test_an_interrupted_shot_goes_on_to_the_same_pixels(colorizer: Colorizer, clip) -> None:
    shot = shot_of(clip)
    whole = colorizer.open(shot)
    results = [whole.color(index) for index in range(len(whole.segments))]
    assert len(results) > 2 and any(segment.follows is not None for segment in whole.segments)
    for stopped_after in range(1, len(results)):
        resumed = colorizer.open(shot)
        for index in range(stopped_after):
            resumed.restore(index, results[index])
        again = resumed.color(stopped_after)
        assert again.state == results[stopped_after].state
        for drawing, frame in again.frames.items():
            assert np.array_equal(frame, results[stopped_after].frames[drawing])


def test_a_cancelled_segment_can_be_colored_again(colorizer: Colorizer, clip) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    coloring = colorizer.open(shot_of(clip))
    with pytest.raises(Cancelled):
        coloring.color(0, on_step=cancel)
    expected = colorizer.open(shot_of(clip)).color(0)
    assert coloring.color(0).state == expected.state


@pytest.mark.parametrize("finish", ["flats", "painted"])
def test_every_drawing_comes_back_once_with_its_lines(colored, clip, finish: str) -> None:
    frames = colored(finish)
    assert sorted(frames) == list(range(DRAWINGS))
    for drawing, frame in frames.items():
        line_art = clip.line_art[drawing]
        assert frame.shape == (*line_art.shape, 3) and frame.dtype == np.uint8
        assert (frame[line_art < 20] < 20).all()
    paper = clip.line_art[KEYFRAME] == 255
    difference = np.abs(frames[KEYFRAME].astype(int) - truth(clip, KEYFRAME)).max(-1)
    assert (difference[paper] > 2).mean() < 0.02


def test_flats_have_only_the_keyframes_colors(colored, clip) -> None:
    frames = colored("flats")
    shown = {tuple(color) for color in clip.colors[np.unique(clip.labels[KEYFRAME])].tolist()}
    for drawing, frame in frames.items():
        paper = clip.line_art[drawing] == 255
        assert {tuple(color) for color in np.unique(frame[paper], axis=0).tolist()} <= shown


def test_the_result_is_better_than_holding_the_keyframe(colored, clip) -> None:
    frames = colored("flats")
    paper = clip.line_art == 255
    labels = clip.labels
    right = held = 0.0
    for drawing in range(DRAWINGS):
        true = clip.colors[labels[drawing]]
        right += (np.abs(frames[drawing].astype(int) - true).max(-1) < 8)[paper[drawing]].mean()
        held += (labels[drawing] == labels[KEYFRAME])[paper[drawing]].mean()
    assert right > held


def test_a_masked_background_is_painted_by_the_model_from_the_prompt(colorizer: Colorizer, clip) -> None:
    background = np.bincount(clip.labels[KEYFRAME].ravel()).argmax()
    mask = clip.labels[KEYFRAME] == background
    shot = cut_out(shot_of(clip, background="generated"), mask)
    rain = color_all(colorizer.open(replace(shot, prompt="rain")))
    snow = colorizer.open(replace(shot, prompt="吹雪")).color(0).frames  # the keyframe's segment
    far = cv2.erode((clip.line_art[KEYFRAME] == 255).astype(np.uint8), np.ones((9, 9))) > 0
    assert (rain[KEYFRAME] != snow[KEYFRAME])[mask & far].any()
    assert np.array_equal(rain[KEYFRAME][~mask & far], snow[KEYFRAME][~mask & far])
    assert (np.abs(rain[KEYFRAME].astype(int) - truth(clip, KEYFRAME)).max(-1) <= 2)[~mask & far].mean() > 0.95
    other = rain[0][clip.line_art[0] == 255]
    assert len(np.unique(other, axis=0)) > len(clip.colors), "pictures have more colors than flats"


@pytest.mark.parametrize("finish", ["flats", "painted"])
def test_what_the_keyframe_leaves_transparent_is_so_in_every_frame(
    colorizer: Colorizer, colored, clip, finish: str
) -> None:
    background = np.bincount(clip.labels[KEYFRAME].ravel()).argmax()
    shot = cut_out(shot_of(clip, finish=finish), clip.labels[KEYFRAME] == background)
    frames = color_all(colorizer.open(shot))
    opaque, alike = colored(finish), []
    for drawing, frame in frames.items():
        line_art = clip.line_art[drawing]
        paper, transparent = line_art == 255, frame[..., 3] == 0
        assert set(np.unique(frame[paper][:, 3])) == {0, 255}
        assert not frame[transparent].any() and (frame[..., 3] >= 255 - line_art).all(), "lines show on any ground"
        right = (transparent == (clip.labels[drawing] == background))[paper].mean()
        held = ((clip.labels[KEYFRAME] == background) == (clip.labels[drawing] == background))[paper].mean()
        assert right > held if drawing != KEYFRAME else right > 0.98
        off = np.abs(frame[..., :3].astype(int) - opaque[drawing]).max(axis=2)[paper & ~transparent]
        alike.append((off <= 8).mean())
    assert np.mean(alike) > 0.95, "the rest is colored as if nothing were transparent"


def test_a_prompt_that_is_too_long_is_told(colorizer: Colorizer, clip) -> None:
    limit = colorizer.engine.pipeline.transformer.config.max_text_seq_length - 1
    assert colorizer.open(shot_of(clip, prompt="a" * limit)).note == ""
    assert "Left out: “ and rain”" in colorizer.open(shot_of(clip, prompt="a" * limit + " and rain")).note
    colorizer.engine.pipeline.register_to_config(prompt_suffix=" Nice.")
    try:
        assert "Left out: “ nice.”" in colorizer.open(shot_of(clip, prompt="a" * (limit - 6) + " nice.")).note
    finally:
        colorizer.engine.pipeline.register_to_config(prompt_suffix="")


def test_running_out_of_memory_is_told_of_the_segment_where_it_happened(
    colorizer: Colorizer, clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = colorizer.engine.pipeline
    decode = pipeline.vae.decode
    monkeypatch.setattr(pipeline, "tiled", frozenset())

    def short_of_memory(latents: torch.Tensor) -> Any:
        if not pipeline.vae.use_tiling:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 18.00 GiB.")
        return decode(latents)

    monkeypatch.setattr(pipeline.vae, "decode", short_of_memory)
    coloring = colorizer.open(shot_of(clip))
    first, second = (coloring.color(index) for index in range(2))
    assert first.note.startswith("The GPU's memory ran out.")
    assert set(first.frames) == set(coloring.segments[0].drawings)
    assert second.note == ""


def test_a_keyframe_outside_the_shot_is_refused(clip) -> None:
    with pytest.raises(ValueError, match=r"Keyframes \[2, 9\] must lie among the 9 drawings"):
        Shot(list(clip.line_art), {KEYFRAME: truth(clip, KEYFRAME), DRAWINGS: truth(clip, KEYFRAME)})


def test_a_draft_takes_fewer_votes_and_final_takes_all(colorizer: Colorizer, clip) -> None:
    preset = replace(colorizer.preset, votes=5)
    shot = shot_of(clip)
    for quality, votes in (("draft", 1), ("final", 5), ("exact", 5)):
        coloring = Colorizer(colorizer.engine, colorizer.matching, preset).open(replace(shot, quality=quality))
        assert len(coloring._painter._renditions) == votes


def test_the_preset_says_what_automatic_quality_is(colorizer: Colorizer, clip) -> None:
    preset = replace(colorizer.preset, quality="preview")
    for quality, painter in (("auto", NoPainter), ("final", ModelPainter)):
        coloring = Colorizer(colorizer.engine, colorizer.matching, preset).open(shot_of(clip, quality=quality))
        assert type(coloring._painter) is painter


@pytest.mark.parametrize("lined", [False, True])
def test_the_preset_says_whether_the_model_remembers_lines(colorizer: Colorizer, clip, lined: bool) -> None:
    preset = replace(colorizer.preset, votes=0, lined_memory=lined)
    coloring = Colorizer(colorizer.engine, colorizer.matching, preset).open(shot_of(clip))
    result = coloring.color(0)
    remembered = np.load(io.BytesIO(result.state))["colors"][0]
    frame = result.frames[coloring.segments[0].drawings[0]]
    ink = cv2.resize(frame, remembered.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.array_equal(remembered, ink) == lined


@pytest.mark.parametrize("repeats", [True, False])
def test_the_preset_says_whether_held_drawings_are_repeated(colorizer: Colorizer, clip, repeats: bool) -> None:
    preset = replace(colorizer.preset, repeats_holds=repeats, segment=13)
    shot = shot_of(clip, holds=[1, 2, 1, 3, 1, 9, 1, 1, 2])
    coloring = Colorizer(colorizer.engine, colorizer.matching, preset).open(shot)
    frames = color_all(coloring)
    assert sorted(frames) == list(range(DRAWINGS))
    seen = coloring.segments[0].sequence
    assert seen[:6] == ((2, 3, 3, 3, 4, 5) if repeats else (2, 3, 4, 5, 6, 7))
    assert seen.count(5) == (4 if repeats else 1), "long holds are cut"


@pytest.mark.parametrize("binary", [True, False])
def test_the_preset_says_whether_sketches_are_binary(colorizer: Colorizer, clip, binary: bool) -> None:
    preset = replace(colorizer.preset, binary_sketches=binary)
    coloring = Colorizer(colorizer.engine, colorizer.matching, preset).open(shot_of(clip))
    levels = coloring._painter._model._long_shot.sketches[0].unique().tolist()
    assert levels == [-1, 1] if binary else len(levels) > 2


def test_the_memory_is_compressed_as_the_preset_says(
    colorizer: Colorizer, clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_xl, ratios = colorizer.engine.pipeline.video_xl, set()
    start = video_xl.start
    monkeypatch.setattr(video_xl, "start", lambda head, ratio: ratios.add(ratio) or start(head, ratio))
    preset = replace(colorizer.preset, memory_ratio="dynamic", votes=1)
    coloring = Colorizer(colorizer.engine, colorizer.matching, preset).open(shot_of(clip))
    coloring.color(0)
    coloring.color(1)
    assert ratios == {"dynamic"}


@pytest.mark.parametrize("votes", [2, 0])
def test_a_preview_is_carried_along_without_the_model(
    colorizer: Colorizer, clip, monkeypatch: pytest.MonkeyPatch, votes: int
) -> None:
    def refuse(*arguments, **named) -> None:
        raise AssertionError("the model was run")

    for name in ("__call__", "remember", "encode_prompt"):
        monkeypatch.setattr(type(colorizer.engine.pipeline), name, refuse)
    preset = replace(colorizer.preset, votes=votes)
    shot = shot_of(clip, quality="preview", finish="painted", prompt="rain")
    coloring = Colorizer(colorizer.engine, colorizer.matching, preset).open(shot)
    results = [coloring.color(index) for index in range(len(coloring.segments))]
    resumed = Colorizer(colorizer.engine, colorizer.matching, preset).open(shot)
    for index, result in enumerate(results[:-1]):
        resumed.restore(index, result)
    assert resumed.color(len(results) - 1).state == results[-1].state
    right = held = 0.0
    for drawing, frame in (item for result in results for item in result.frames.items()):
        paper = clip.line_art[drawing] == 255
        right += (np.abs(frame.astype(int) - truth(clip, drawing)).max(-1) < 8)[paper].mean()
        held += (clip.labels[drawing] == clip.labels[KEYFRAME])[paper].mean()
    assert right > held
    with pytest.raises(AssertionError, match="the model was run"):
        colorizer.open(replace(shot, quality="draft")).color(0)


def test_two_entries_that_look_the_same_stay_two_in_all_frames(colorizer: Colorizer, clip) -> None:
    counts = np.bincount(clip.labels[KEYFRAME][clip.line_art[KEYFRAME] == 255], minlength=len(clip.colors))
    _, one, other = np.argsort(-counts)[:3]  # the largest is the ground

    def share(colors: np.ndarray) -> float:
        """The share of the pixels of both that have exactly their own color."""
        painted = replace(clip, colors=colors)
        shot = replace(shot_of(painted, quality="preview"), palette=["#" + bytes(colors[other]).hex()])
        right = []
        for drawing, frame in color_all(colorizer.open(shot)).items():
            here = np.isin(clip.labels[drawing], [one, other]) & (clip.line_art[drawing] == 255)
            right.append((frame == colors[clip.labels[drawing]]).all(-1)[here].mean())
        return float(np.mean(right))

    alike = clip.colors.copy()
    alike[other] = alike[one]
    alike[other, 2] += 1 if alike[other, 2] < 255 else -1
    assert share(alike) > 0.5 and share(alike) >= share(clip.colors) - 0.02


def test_the_model_works_in_the_shape_of_the_shot() -> None:
    assert model_size(540, 960, 256 * 144, 16) == (144, 256)
    assert model_size(1080, 1080, 256 * 144, 16) == (192, 192)
    assert model_size(20, 20, 256 * 144, 16) == (16, 16)


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(UnknownPreset, match=r"'big'.*tiny"):
        Colorizer.from_preset("big")


def test_the_shipped_weights_are_small() -> None:
    files = [path for name in ("tiny", "line_matcher", "settler") for path in (WEIGHTS / name).rglob("*.safetensors")]
    assert len(files) == 8 and sum(path.stat().st_size for path in files) <= 64e6
