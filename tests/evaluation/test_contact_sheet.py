# SPDX-License-Identifier: GPL-3.0-or-later
"""The contact sheet shows the whole shot, including the keyframe."""

import numpy as np
import pytest
from PIL import Image

from server.evaluation.contact_sheet import contact_sheet, spread


@pytest.mark.parametrize(("count", "keep"), [(36, 16), (36, 0), (36, 35), (3, 1), (1, 0), (8, 5)])
def test_columns_are_spread_over_the_shot_with_the_keyframe_among_them(count, keep):
    chosen = spread(count, 8, [keep])
    assert len(chosen) == min(8, count) and chosen == sorted(set(chosen))
    assert keep in chosen
    if 0 < keep < count - 1:
        assert chosen[0] == 0 and chosen[-1] == count - 1


def test_all_keyframes_are_among_the_columns_while_there_is_room():
    assert set(spread(36, 8, [17, 18, 19])) >= {17, 18, 19} and len(spread(36, 8, [17, 18, 19])) == 8
    assert spread(36, 8, range(20)) == list(range(8))


def test_the_sheet_holds_every_picture_and_marks_the_keyframe(tmp_path):
    red, gray = np.full((54, 96, 3), (255, 0, 0), np.uint8), np.full((54, 96), 120, np.uint8)
    path = tmp_path / "sheet.png"
    contact_sheet({"line art": [gray] * 3, "ours": [red] * 3}, path, ["frame 1", "frame 2", "frame 3"], marked=[1])
    pixels = np.asarray(Image.open(path)).reshape(-1, 3).astype(int)
    cell = 300 * 169
    assert abs((pixels == (255, 0, 0)).all(1).sum() / (3 * cell) - 1) < 0.03
    assert abs((pixels == (120, 120, 120)).all(1).sum() / (3 * cell) - 1) < 0.03
    assert (pixels == (0xD9, 0x48, 0x0F)).all(1).sum() > 2 * 4 * 300  # the mark around the middle column
