# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension lays lines over colors to the same pixels as the server."""

import numpy as np
import pytest

from blender_addon import compositing
from server.coloring.line_art.compositing import lay_lines


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("is_black", [True, False])
def test_lines_are_laid_as_the_server_lays_them(channels: int, is_black: bool) -> None:
    random = np.random.default_rng(5)
    fills = random.integers(0, 256, (60, 80, channels), np.uint8)
    lines = random.integers(0, 256, (60, 80) if is_black else (60, 80, 4), np.uint8)
    fills[:20, :, 3:], fills[20:40, :, 3:] = 0, 255
    if channels == 4:
        fills *= fills[..., 3:] > 0  # transparent pixels are black
    off = np.abs(compositing.lay_lines(fills, lines).astype(int) - lay_lines(fills, lines))
    assert off.max() <= 1
