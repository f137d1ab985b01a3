# SPDX-License-Identifier: GPL-3.0-or-later
"""The frequency analysis of the paper (§4.4, Fig. 8): how colors and lines last through a clip."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from server.evaluation.image_quality import MAX_PSNR, SHORT_TERM, SIDE

LOW_CYCLES = 16
"""Frequencies below this many cycles a picture are low (color), the others high (lines). The paper does not say where
it parts them; this is an eighth of the highest one."""


def _low_band() -> np.ndarray:
    """Which coefficients of `numpy.fft.fft2` of a frame are low, bool [256, 256]."""
    cycles = np.fft.fftfreq(SIDE, 1 / SIDE)
    return np.hypot(cycles[:, None], cycles[None]) < LOW_CYCLES


_LOW = _low_band()


def band_psnr(result: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """PSNR in dB of the low and of the high frequencies of a frame, both uint8 [256, 256, 3]; at most `MAX_PSNR`.

    The Fourier transform is linear and keeps energy (Parseval), so the squared error of a band is the energy of the
    difference within it.
    """
    difference = (result.astype(np.float64) - truth) / 255
    energy = np.square(np.abs(np.fft.fft2(difference, axes=(0, 1)))).sum(axis=2) / (SIDE * SIDE) / difference.size
    floor = 10 ** (-MAX_PSNR / 10)
    low, high = (-10 * np.log10(max(float(energy[band].sum()), floor)) for band in (_LOW, ~_LOW))
    return low, high


def decay(psnr: np.ndarray) -> np.ndarray:
    """Relative decay, in %, of PSNR by frame [F] against its mean over the first 14 frames; NaN where PSNR is NaN."""
    begin = psnr[:SHORT_TERM]
    if np.isnan(begin).all():
        return np.full(len(psnr), np.nan)
    start = np.nanmean(begin)
    return 100 * (start - psnr) / start


def mean_over_clips(curves: Sequence[np.ndarray]) -> np.ndarray:
    """The mean [F] of curves by frame of clips of different length; NaN where no clip has a value."""
    joined = np.full((len(curves), max(len(curve) for curve in curves)), np.nan)
    for row, curve in zip(joined, curves, strict=True):
        row[: len(curve)] = curve
    count = (~np.isnan(joined)).sum(axis=0)
    return np.where(count, np.nansum(joined, axis=0) / np.maximum(count, 1), np.nan)


def smooth(curve: np.ndarray, width: int = SHORT_TERM) -> np.ndarray:
    """The running mean [F] over `width` frames; it passes over NaN."""
    known = ~np.isnan(curve)
    window = np.ones(min(width, len(curve)))
    total, count = (np.convolve(values, window, "same") for values in (np.where(known, curve, 0), known.astype(float)))
    return np.where(count > 0.5, total / np.maximum(count, 1), np.nan)


def plot_frequency(methods: Mapping[str, Mapping[str, Sequence[np.ndarray]]], path: Path) -> None:
    """Draw Fig. 8 as a PNG: (a) PSNR, (b) decay of the low and (c) of the high frequencies, by frame.

    methods: title → `psnr`, `psnr_low`, `psnr_high`, each a curve by frame [F] a clip. Curves are means over clips,
    then running means over 14 frames. Raises ImportError without matplotlib.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 4.8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    titles = ("(a) PSNR, dB", "(b) low frequencies: decay of PSNR, %", "(c) high frequencies: decay of PSNR, %")
    for panel, title, name in zip(panels, titles, ("psnr", "psnr_low", "psnr_high"), strict=True):
        for method, curves in methods.items():
            values = curves[name] if name == "psnr" else [decay(curve) for curve in curves[name]]
            curve = smooth(mean_over_clips(values))
            width = 2.4 if method == next(iter(methods)) else 1.3
            panel.plot(np.arange(1, len(curve) + 1), curve, label=method, linewidth=width)
        panel.set_title(title, loc="left", fontsize=11)
        panel.set_xlabel("frame")
        panel.grid(color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path)
