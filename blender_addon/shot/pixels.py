# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of Blender images as colors are picked: straight sRGB, however Blender stores them."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..png_pixels import write_png


def picked(image: bpy.types.Image) -> np.ndarray:
    """An image's current pixels, including unsaved painting: float32 RGBA [H, W, 4], 0..1, bottom row first.

    Float images are linear and premultiplied by alpha (Blender manual, Color Management › Image Files).
    """
    width, height = image.size
    flat = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(flat)
    pixels = flat.reshape(height, width, -1)
    color = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1].repeat(3, axis=2)
    alpha = pixels[..., 3:] if pixels.shape[2] == 4 else np.ones_like(pixels[..., :1])
    if image.is_float:
        color = (color / np.maximum(alpha, 1e-6)).clip(0, 1)
        color = np.where(color <= 0.0031308, color * 12.92, 1.055 * color ** (1 / 2.4) - 0.055)
    return np.concatenate([color, alpha], axis=2).clip(0, 1)


def scaled(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale pixels [H, W, 4] to a size (width, height), as Blender does."""
    height, width, _ = pixels.shape
    image = bpy.data.images.new("scaled", width, height, alpha=True)
    try:
        image.pixels.foreach_set(pixels.ravel())
        image.scale(*size)
        return picked(image)
    finally:
        bpy.data.images.remove(image)


def write(pixels: np.ndarray, path: Path) -> None:
    """Write float pixels [H, W, 3 or 4], bottom row first, to a PNG, without alpha if all are opaque.

    Raises OSError.
    """
    levels = np.round(255 * pixels[::-1]).astype(np.uint8)
    if (levels[..., 3:] == 255).all():
        levels = levels[..., :3]
    write_png(path, levels)
