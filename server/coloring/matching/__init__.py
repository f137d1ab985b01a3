# SPDX-License-Identifier: GPL-3.0-or-later
"""Matching of the parts of one line drawing to another, to copy their colors."""

from .areas import find_areas
from .features import Features, position_grid
from .labeled_descriptors import Asked, LabeledDescriptors, match, pool_descriptors, pool_labels
from .network import KEYFRAME, MULTIPLE, STRIDE, LineMatcher

__all__ = [
    "KEYFRAME",
    "MULTIPLE",
    "STRIDE",
    "Asked",
    "Features",
    "LabeledDescriptors",
    "LineMatcher",
    "find_areas",
    "match",
    "pool_descriptors",
    "pool_labels",
    "position_grid",
]
