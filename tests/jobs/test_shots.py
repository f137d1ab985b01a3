# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's drawings are read as the coloring wants them, and its lines as they are drawn."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from server.coloring.line_art.compositing import lines_alone
from server.jobs.patience import PatientBlobs
from server.jobs.shots import read_shot
from tests.server.conftest import HEIGHT, WIDTH, SmallShot, png


@pytest.mark.parametrize(
    ("sheet", "ink"), [((255, 255, 255), (220, 40, 40)), ((180, 170, 150), (0, 0, 0)), ((255, 255, 255), (210,) * 3)]
)
def test_paper_becomes_white_and_lines_keep_their_color(sheet: tuple[int, ...], ink: tuple[int, ...]) -> None:
    picture = np.full((HEIGHT, WIDTH, 3), sheet, np.uint8)
    picture[:, 4:6] = ink
    small = SmallShot().with_blob(2, png(picture))
    shot = read_shot(small.manifest, cast(PatientBlobs, SimpleNamespace(read=small.blobs.__getitem__)))
    is_line = np.arange(WIDTH) // 2 == 2
    assert (shot.drawings[2] == np.where(is_line, 0, 255)).all()
    lines = lines_alone(shot.ink(2))
    assert (lines[:, is_line] == (*ink, 255)).all() and not lines[:, ~is_line].any()


def test_black_lines_on_white_paper_are_their_own_ink() -> None:
    small = SmallShot()
    shot = read_shot(small.manifest, cast(PatientBlobs, SimpleNamespace(read=small.blobs.__getitem__)))
    assert shot.ink(0).shape == (HEIGHT, WIDTH) and (shot.ink(0) == shot.drawings[0]).all()
