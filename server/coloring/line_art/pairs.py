# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pixels have each pair of two labels."""

import numpy as np
from scipy import sparse


def count_pairs(first: np.ndarray, second: np.ndarray, counts: tuple[int, int]) -> np.ndarray:
    """Count the pairs of labels that pixels have.

    first, second: integers [P], the labels of the same pixels, 0 … count - 1. Returns (first label, second label,
    pixels) of each pair that occurs, int32 [K, 3], in order.
    """
    ones = np.ones(len(first), np.int32)
    pairs = sparse.coo_array((ones, (first, second)), counts).tocsr()
    pairs.sort_indices()
    found = pairs.tocoo()
    return np.stack([*found.coords, found.data], axis=1).astype(np.int32)
