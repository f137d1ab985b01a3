# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing costs the same memory in a long shot as in a short one."""

import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import torch

from server.coloring import shot_checks
from server.coloring.folder import read_folder
from server.coloring.keyframes import Keyframes
from server.coloring.model_size import ModelSize
from server.coloring.painter import ModelPainter
from server.coloring.shot import Shot
from server.coloring.shot_checks import keyframe_flaws
from server.images.codec import encode_png
from server.longanimation.plan import plan_segments

from .drawings import scene


class Counted(Sequence[np.ndarray]):
    """A long shot whose drawings are made when they are read, and counted. Drawing 730 is the only one like itself."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return 1500

    def __getitem__(self, index):
        self.read.append(index)
        return scene(150 if index == 730 else 60)[0]


def test_a_keyframe_of_another_drawing_is_compared_only_with_those_near_it(monkeypatch) -> None:
    monkeypatch.setattr(shot_checks, "MOST_COMPARED", 10)
    painting = scene(150)[1]
    for index in (0, 727, 1499):
        drawings = Counted()
        flaws = list(keyframe_flaws(Shot(drawings, {index: painting}), lambda drawing: drawing))
        assert len(drawings.read) <= 11 and all(0 <= one < 1500 for one in drawings.read)
        assert len(set(drawings.read)) == 10
        assert ("another_frame" in [flaw.code for _, flaw in flaws]) == (index == 727)


class Model:
    """A model that keeps nothing."""

    def __init__(self, count: int) -> None:
        self.segments = plan_segments(count, [0], 9, 3)

    def remember(self, index: int, frames: torch.Tensor, tail: torch.Tensor | None) -> None:
        pass


class Plain:
    """A rendition in one color."""

    def reference(self, labels: np.ndarray, painting: np.ndarray) -> np.ndarray:
        return np.zeros((18, 32, 3), np.uint8)

    def memory(self, state: object) -> np.ndarray:
        return np.zeros((1, 18, 32, 3), np.uint8)


def test_of_the_entries_only_those_are_kept_that_later_segments_continue() -> None:
    drawing, painting = scene()
    shot = Shot([drawing] * 60, {0: painting})
    engine = SimpleNamespace(cut_prompt=lambda prompt: (prompt, ""), open=lambda **_: Model(60))
    size = ModelSize(18, 32)
    painter = ModelPainter(
        engine,  # type: ignore[arg-type]
        shot,
        Keyframes(shot, lambda _: drawing),
        [Plain()],  # type: ignore[list-item]
        size,
        lambda _: drawing,
        is_hinted=True,
        binary_sketches=False,
        sampling=None,  # type: ignore[arg-type]
    )
    for index, segment in enumerate(painter.segments):
        known = set(segment.sequence[: segment.first]) - {0}
        assert known <= set(painter._entries), "what the segment continues is there"
        assert len(painter._entries) <= 3
        painter.remember(index, {"entries": np.full((len(segment.drawings), 18, 32), index, np.uint16)})
    assert not painter._entries


def test_a_folder_is_read_one_drawing_at_a_time(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        art = tmp_path / str(count)
        art.mkdir()
        drawing, painting = scene()
        for frame in range(count):
            mine = drawing.copy()
            cv2.putText(mine, str(frame), (4, 170), cv2.FONT_HERSHEY_PLAIN, 1, 0)
            (art / f"{frame:04}.png").write_bytes(encode_png(mine))
        (tmp_path / "key_0000.png").write_bytes(encode_png(painting))
        tracemalloc.start()
        source = read_folder(art, [str(tmp_path / "key_0000.png")])
        assert source.exposure.drawing_count == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(40) - peak(10) < 5 * 180 * 320, "less than five of the thirty more drawings"
