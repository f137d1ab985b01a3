# SPDX-License-Identifier: GPL-3.0-or-later
"""The size at which the model works on a shot."""

from typing import NamedTuple

import cv2
import numpy as np

from server.longanimation.sketch import fitted_size


class ModelSize(NamedTuple):
    """A height and a width in pixels. Shots of another shape are letterboxed."""

    height: int
    width: int

    def reduce(self, image: np.ndarray) -> np.ndarray:
        """Scale an image [H, W, 3] to this size by the mean of its pixels, so that no line is lost."""
        rows, columns = fitted_size(image.shape[0], image.shape[1], self.height, self.width)
        return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)

    def shrink(self, image: np.ndarray) -> np.ndarray:
        """Scale an image [H, W] or [H, W, 3] to this size by nearest neighbor, so that no pixel mixes two colors."""
        rows, columns = fitted_size(image.shape[0], image.shape[1], self.height, self.width)
        down = (np.arange(rows) + 0.5) * image.shape[0] // rows
        right = (np.arange(columns) + 0.5) * image.shape[1] // columns
        return image[down.astype(int)[:, None], right.astype(int)[None]]


def model_size(rows: int, columns: int, pixels: int, multiple: int) -> ModelSize:
    """Return the size for a shot of `rows` × `columns`. It has the shot's shape, an area of about `pixels`, and sides
    that are multiples of `multiple`. Small shots are not enlarged beyond their own area."""
    scale = min(1.0, (pixels / (rows * columns)) ** 0.5)
    return ModelSize(
        max(multiple, round(rows * scale / multiple) * multiple),
        max(multiple, round(columns * scale / multiple) * multiple),
    )
