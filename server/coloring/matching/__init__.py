# SPDX-License-Identifier: GPL-3.0-or-later
"""Matching of the parts of one line drawing to another, to copy their colors."""

from .areas import find_areas
from .features import Features, position_grid
from .labeled_descriptors import Asked, LabeledDescriptors, match, pool_descriptors, pool_labels
from .matching import Matching
from .network import KEYFRAME, MULTIPLE, STRIDE, LineMatcher
from .parts import Parts, find_parts
from .settler import RUN, Settler, settle

__all__ = [
    "KEYFRAME",
    "MULTIPLE",
    "RUN",
    "STRIDE",
    "Asked",
    "Features",
    "LabeledDescriptors",
    "LineMatcher",
    "Matching",
    "Parts",
    "Settler",
    "find_areas",
    "find_parts",
    "match",
    "pool_descriptors",
    "pool_labels",
    "position_grid",
    "settle",
]
