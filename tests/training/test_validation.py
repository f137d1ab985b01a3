# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation clips are written like delivered shots: one file per frame, with held drawings repeated."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from server.coloring.line_art.compositing import lay_lines
from server.training.cartoon import draw_clip
from server.training.clips import SHARES
from server.training.validation import CLIPS, FIRST_SEED, STORIES, ValidationClip, write_validation

CLIP = ValidationClip("walk", CLIPS[0].seed, frames=60, width=192, height=108)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def test_a_clip_is_a_file_a_frame_and_the_same_every_time(tmp_path: Path) -> None:
    write_validation(tmp_path / "first", [CLIP])
    write_validation(tmp_path / "again", [CLIP])
    written = files(tmp_path / "first")
    names = [f"{number:04d}.png" for number in range(1, 61)]
    assert sorted(written) == [f"walk/{kind}/{name}" for kind in ("color", "lineart") for name in names]
    assert written == files(tmp_path / "again")


def test_frames_follow_the_exposure_and_carry_the_lines(tmp_path: Path) -> None:
    write_validation(tmp_path, [CLIP])
    clip = draw_clip(CLIP.seed, CLIP.frames, CLIP.width, CLIP.height, at=range(40))
    shown = np.repeat(np.arange(40), clip.holds)[: CLIP.frames]
    assert len(shown) == CLIP.frames and len(set(shown)) < CLIP.frames
    for number, drawing in enumerate(shown, 1):
        art = cv2.imread(str(tmp_path / "walk" / "lineart" / f"{number:04d}.png"), cv2.IMREAD_UNCHANGED)
        color = cv2.imread(str(tmp_path / "walk" / "color" / f"{number:04d}.png"))[..., ::-1]
        assert np.array_equal(art, clip.line_art[drawing])
        assert np.array_equal(color, lay_lines(clip.painting(drawing), art))


def test_the_set_is_long_and_short_and_reserved() -> None:
    every = (*CLIPS, *STORIES)
    assert all(clip.seed >= FIRST_SEED for clip in every)
    assert len({clip.name for clip in every}) == len({clip.seed for clip in every}) == len(every)
    assert sum(clip.frames >= 300 for clip in CLIPS) >= 4 and sum(clip.frames < 100 for clip in CLIPS) >= 4


def test_no_drawing_of_the_set_is_blank() -> None:
    for clip in CLIPS:
        arts = draw_clip(
            clip.seed, clip.frames, clip.width // 4, clip.height // 4, at=range(0, clip.frames // 2, 8)
        ).line_art
        assert (arts < 200).any(axis=(1, 2)).all(), clip.name


def test_stories_have_all_actors_of_training() -> None:
    assert len(STORIES) == 40 and {clip.source for clip in STORIES} == {None, *SHARES}


def test_seeds_of_training_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="walk has seed 7"):
        write_validation(tmp_path, [ValidationClip("walk", 7, 4)])


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "walk").mkdir()
    with pytest.raises(FileExistsError, match="walk exists"):
        write_validation(tmp_path, [CLIP])
