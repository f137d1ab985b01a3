# SPDX-License-Identifier: GPL-3.0-or-later
"""Extracts line art from a picture, and lays it over colors, both as the server does."""

import numpy as np


def line_art_of(pixels: np.ndarray) -> np.ndarray:
    """Line art as the server sees it, uint8 [H, W]: over white, each pixel as dark as its darkest channel."""
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 3:
        return pixels.min(axis=2)
    color, alpha = pixels[..., :3].min(axis=2).astype(np.uint16), pixels[..., 3].astype(np.uint16)
    return ((color * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)


def lay_lines(fills: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Lay line art uint8 [H, W] over fills uint8 [H, W, 3 or 4] as the server does.

    On a transparent background, a line is black, and as opaque as it is dark.
    """
    laid = fills.copy()
    laid[..., :3] = (fills[..., :3] * line_art.astype(np.uint16)[..., None] + 127) // 255
    laid[..., 3:] = np.maximum(fills[..., 3:], 255 - line_art[..., None])
    return laid
