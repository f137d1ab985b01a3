# SPDX-License-Identifier: GPL-3.0-or-later
"""PSNR and SSIM as in the paper: on frames of 256×256 in [0, 1] (§4.1)."""

import cv2
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

SIDE = 256
"""Height and width to which the paper's metrics resize a frame."""
SHORT_TERM = 14
"""Frames of the short-term comparison: the first of the clip."""
MAX_PSNR = 60.0
"""The largest PSNR, in dB: rounding to 8 bits alone gives 58.9, and equal frames would give infinity."""


def at_protocol_size(frame: np.ndarray) -> np.ndarray:
    """Resize a frame, RGB uint8 [H, W, 3], to uint8 [256, 256, 3]."""
    return cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def psnr(result: np.ndarray, truth: np.ndarray) -> float:
    """PSNR in dB between frames uint8 [256, 256, 3], at most `MAX_PSNR`."""
    with np.errstate(divide="ignore"):
        return min(float(peak_signal_noise_ratio(truth / 255, result / 255, data_range=1)), MAX_PSNR)


def ssim(result: np.ndarray, truth: np.ndarray) -> float:
    """SSIM between frames uint8 [256, 256, 3], with the window and constants of Wang et al. (2004)."""
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    first, second = (np.float32(frame) / 255 for frame in (result, truth))
    return float(structural_similarity(first, second, data_range=1, **options))
