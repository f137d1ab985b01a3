# SPDX-License-Identifier: GPL-3.0-or-later
"""Line art in the form that the model reads (paper §4.1): paper is −1, line is +1, in three equal channels."""

import cv2
import numpy as np
import torch

PAPER_ABOVE = 0.78
"""Gray values above this share of white are paper (the paper's "greater than 200")."""
THIN_COVER = 0.45
"""How much of a pixel a line covers at least, where it covers most, in widths of the line. In the middle between two
pixels it covers half its width of each. A little less keeps slanted lines whole."""


def fit_size(image: np.ndarray, height: int, width: int, fill: int) -> np.ndarray:
    """Scale an image [H, W] or [H, W, 3] by area to fit `height` × `width`, and pad it evenly with `fill`. This
    letterbox never loses the edges of the frame."""
    rows, columns = fitted_size(image.shape[0], image.shape[1], height, width)
    scaled = _scaled(image, rows, columns)
    top, left = (height - rows) // 2, (width - columns) // 2
    return cv2.copyMakeBorder(
        scaled, top, height - rows - top, left, width - columns - left, cv2.BORDER_CONSTANT, value=(fill,) * 3
    )


def cover_size(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale an image [H, W] or [H, W, 3] to cover `height` × `width` and crop the rest, as the research code does. Use
    it before `sketch_signal` and `image_signal` to reproduce the research code."""
    scale = max(height / image.shape[0], width / image.shape[1])
    rows, columns = round(image.shape[0] * scale), round(image.shape[1] * scale)
    top, left = (rows - height) // 2, (columns - width) // 2
    return _scaled(image, rows, columns)[top : top + height, left : left + width]


def _scaled(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Scale an image, by area if it shrinks."""
    shrinks = rows * columns < image.shape[0] * image.shape[1]
    return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def fitted_size(rows: int, columns: int, height: int, width: int) -> tuple[int, int]:
    """Return the size that an image of `rows` × `columns` has inside a letterbox of `height` × `width`."""
    scale = min(height / rows, width / columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def unfit(images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Cut from letterboxed images [..., H, W, C] the part that shows an image of `rows` × `columns`."""
    height, width = images.shape[-3:-1]
    inner_rows, inner_columns = fitted_size(rows, columns, height, width)
    top, left = (height - inner_rows) // 2, (width - inner_columns) // 2
    return images[..., top : top + inner_rows, left : left + inner_columns, :]


def fit_line_art(line_art: np.ndarray, height: int, width: int, binary: bool) -> np.ndarray:
    """Turn line art uint8 [H, W] (0 line, 255 paper) into the line art uint8 [height, width] that the model sees, in a
    letterbox of paper.

    binary: every pixel is 0 or 255, as in the paper (§4.1), and no line vanishes. The line art is binarized at its own
        size, so that faint lines count in full, scaled, and binarized again. A pixel is a line if ink covers more of it
        than paper may have, or, in a strong reduction, as much as is left of a line one pixel wide. If not binary, only
        the size changes, and thin lines turn gray.
    """
    if not binary:
        return fit_size(line_art, height, width, fill=255)
    ink = np.where(line_art > PAPER_ABOVE * 255, 0, 255).astype(np.uint8)
    scale = fitted_size(ink.shape[0], ink.shape[1], height, width)[0] / ink.shape[0]
    covered = min(1 - PAPER_ABOVE, THIN_COVER * scale)
    return np.where(fit_size(ink, height, width, fill=0) > covered * 255, 0, 255).astype(np.uint8)


def to_sketch_signal(line_art: torch.Tensor) -> torch.Tensor:
    """Turn line art uint8 [..., H, W] into three equal channels [..., 3, H, W], paper −1 and line +1."""
    return torch.stack([1 - line_art.float() / 127.5] * 3, dim=-3)


def sketch_signal(line_art: np.ndarray, height: int, width: int, binary: bool = True) -> torch.Tensor:
    """Turn line art uint8 [H, W] (0 line, 255 paper) into [3, height, width]. binary: see `fit_line_art`."""
    return to_sketch_signal(torch.from_numpy(fit_line_art(line_art, height, width, binary)))


def image_signal(image: np.ndarray, height: int, width: int) -> torch.Tensor:
    """Turn an image uint8 RGB [H, W, 3] into [3, height, width] in −1..1, letterboxed with white."""
    return torch.from_numpy(fit_size(image, height, width, fill=255)).permute(2, 0, 1).float() / 127.5 - 1
