# SPDX-License-Identifier: GPL-3.0-or-later
"""The Fréchet distance between two sets of features, which FID and FVD use (Heusel et al., 2017)."""

import numpy as np
from scipy import linalg


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Distance `|μa − μb|² + Tr(Ca + Cb − 2 (Ca Cb)^½)` between the Gaussians of features [N, D] and [M, D].

    Covariances are the unbiased ones. With C = RᵀR, the trace of (Ca Cb)^½ is the sum of the singular values of Ra Rbᵀ:
    there is no root of a matrix that may be singular. Raises ValueError for fewer than two samples.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"A Fréchet distance needs two samples on each side, not {len(a)} and {len(b)}.")
    means = [np.mean(x, axis=0, dtype=np.float64) for x in (a, b)]
    roots = [_root(x - mean) for x, mean in zip((a, b), means, strict=True)]
    traces = sum(np.square(root).sum() for root in roots)
    overlap = linalg.svdvals(roots[0] @ roots[1].T).sum()
    return max(float(np.square(means[0] - means[1]).sum() + traces - 2 * overlap), 0.0)


def _root(centered: np.ndarray) -> np.ndarray:
    """R, [min(N, D), D], of the covariance RᵀR of centerd samples [N, D]."""
    (root,) = linalg.qr(centered / np.sqrt(len(centered) - 1), mode="r", check_finite=True)
    return root[: min(centered.shape)]
