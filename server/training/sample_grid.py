# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample grids: one picture of a stage's results."""

from collections.abc import Sequence

import numpy as np
import torch

GAP = 4
"""Pixels between drawings. Between groups there are twice as many."""


def to_images(signal: torch.Tensor) -> np.ndarray:
    """Turn a signal [T, 3, H, W] in −1..1 into images uint8 [T, H, W, 3]."""
    return ((signal.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def lines_to_images(line_art: torch.Tensor) -> np.ndarray:
    """Turn line art uint8 [T, H, W] into images uint8 [T, H, W, 3]."""
    return line_art.cpu().numpy()[..., None].repeat(3, axis=-1)


def sample_grid(groups: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Lay rows of images uint8 [T, H, W, 3] below each other, in groups, on gray; a short row ends early.

    Returns uint8 [H', W', 3].
    """
    _, height, width, _ = groups[0][0].shape
    longest = max(len(row) for group in groups for row in group)
    rows = sum(len(group) for group in groups)
    shape = rows * (height + GAP) + (len(groups) - 1) * GAP - GAP, longest * (width + GAP) - GAP, 3
    page = np.full(shape, 96, np.uint8)
    top = 0
    for group in groups:
        for row in group:
            for index, image in enumerate(row):
                left = index * (width + GAP)
                page[top : top + height, left : left + width] = image
            top += height + GAP
        top += GAP
    return page
