# SPDX-License-Identifier: GPL-3.0-or-later
"""Color-trace lines: lines of a color of their own that part regions, such as the edge of a shadow, and are not seen in
the colored frames."""

from collections.abc import Sequence

import cv2
import numpy as np

CERTAIN = 64
"""What absorbs less of white than this is a fringe, whose color is uncertain: it belongs to the strongest line beside
it."""
ALIKE = 0.94
"""The cosine of the angle between the directions from white of a pixel and of its trace color, at least."""

_SQUARE = np.ones((5, 5), np.uint8)


def find_traces(absorbed: np.ndarray, colors: Sequence[str]) -> np.ndarray:
    """Return where trace lines are, bool [H, W].

    absorbed: what the ink absorbs of white, uint8 [H, W, 3]. colors: of trace lines, as `#rrggbb`. All pixels of an ink
    lie in one direction from white. A pixel whose direction is nearer to black's is an ordinary line.
    """
    inks = np.array([[255 - level for level in bytes.fromhex(color[1:])] for color in colors] + [[255] * 3], np.float32)
    inks /= np.linalg.norm(inks, axis=1, keepdims=True)
    strength = absorbed.max(axis=2)
    seen = strength > 0
    pixels = absorbed[seen].astype(np.float32)
    alike = pixels @ inks.T / np.linalg.norm(pixels, axis=1, keepdims=True)
    is_trace = np.zeros(strength.shape, bool)
    is_trace[seen] = (alike.argmax(axis=1) < len(colors)) & (alike.max(axis=1) >= ALIKE)
    beside = np.asarray(cv2.dilate(strength.astype(np.uint16) << 1 | is_trace, _SQUARE)).astype(np.uint16)
    return np.where(strength >= CERTAIN, is_trace, seen & (beside & 1 > 0) & (beside >= 2 * CERTAIN))


def fill_darker(color: np.ndarray, line_art: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Give trace lines the darker of the colors beside them; otherwise each side has its half of a line.

    color: uint8 [H, W, 3 or 4], without lines; line_art, ink: see `Drawing`. Trace lines are in the line art and not in
    the ink.
    """
    if ink.ndim == 2:
        return color
    traces = (line_art < 255) & (ink[..., 3] == 0)
    if not traces.any():
        return color
    # One number for each pixel, which is the smaller, the darker the color is; 40 bits are exact in float64.
    code = cv2.cvtColor(np.ascontiguousarray(color[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.float64)
    for channel in range(color.shape[2]):
        code = code * 256 + color[..., channel]
    half_width = int(np.ceil(cv2.distanceTransform(traces.astype(np.uint8), cv2.DIST_L2, 5).max()))
    nothing = float(2**48)
    for _ in range(half_width):
        darkest = cv2.erode(np.where(traces, code, nothing), np.ones((3, 3), np.uint8))
        code = np.where(traces, np.minimum(code, darkest), code)
    filled = color.copy()
    packed = code[traces].astype(np.int64)
    for channel in reversed(range(color.shape[2])):
        filled[traces, channel] = packed & 255
        packed >>= 8
    return filled
