# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding the parts of one line drawing again in another, to copy their colors."""

from .areas import find_areas
from .evidence import FINISHED, REFERENCE, Evidence, gather_evidence, match, pool_labels
from .features import Features, place_grid
from .network import MULTIPLE, STRIDE, LineMatcher

__all__ = [
    "FINISHED",
    "MULTIPLE",
    "REFERENCE",
    "STRIDE",
    "Evidence",
    "Features",
    "LineMatcher",
    "find_areas",
    "gather_evidence",
    "match",
    "place_grid",
    "pool_labels",
]
