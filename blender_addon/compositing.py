# SPDX-License-Identifier: GPL-3.0-or-later
"""Extracts line art from a picture, and lays lines over colors, both as the server does."""

import numpy as np


def line_art_of(pixels: np.ndarray) -> np.ndarray:
    """Line art as the server sees it, uint8 [H, W]: over white, each pixel as dark as its darkest channel."""
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 3:
        return pixels.min(axis=2)
    color, alpha = pixels[..., :3].min(axis=2).astype(np.uint16), pixels[..., 3].astype(np.uint16)
    return ((color * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)


def lay_lines(fills: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Lay lines over fills uint8 [H, W, 3 or 4] as the server does.

    lines: straight RGBA uint8 [H, W, 4], or line art uint8 [H, W], which is black ink and as opaque as it is dark. Over
    transparent fills, a line keeps its own color. It is mixed with translucent ones.
    """
    if lines.ndim == 2:
        lines = np.dstack([np.zeros((*lines.shape, 3), np.uint8), 255 - lines])
    own, alpha = lines[..., :3], lines[..., 3:]
    laid = fills.copy()
    laid[..., :3] = _share(fills[..., :3], 255 - alpha) + _share(own, alpha)
    if fills.shape[2] == 4:
        laid[..., :3] = np.where(fills[..., 3:] > 0, laid[..., :3], own)
        laid[..., 3:] = np.maximum(fills[..., 3:], alpha)
        translucent = (fills[..., 3] > 0) & (fills[..., 3] < 255)
        laid[translucent] = _mixed(fills[translucent], lines[translucent])
    return laid


def _mixed(fills: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Lines over fills, straight RGBA uint8 [P, 4] each."""
    covered = lines[:, 3:].astype(np.float32)
    under = fills[:, 3:] * (255 - covered) / 255
    alpha = covered + under
    color = (lines[:, :3] * covered + fills[:, :3] * under) / alpha
    return np.round(np.concatenate([color, alpha], axis=1)).astype(np.uint8)


def _share(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """A color times alpha, both 0..255, rounded."""
    return ((color * alpha.astype(np.uint16) + 127) // 255).astype(np.uint8)
