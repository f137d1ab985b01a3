# SPDX-License-Identifier: GPL-3.0-or-later
"""The piece matcher: which pieces of one line drawing are which of others. It is in training, and is to replace the
line matcher."""

from .drawn_pieces import DrawnPieces, collate_pieces, pad_pieces
from .evidence import FINISHED, KEYFRAME, Evidence, entry_codes, gap_class, join_evidence
from .network import MULTIPLE, PieceMatcher, Tokens
from .pieces import CELL, STRIDE, Pieces, find_pieces
from .shot_matcher import Matches, ShotMatcher

__all__ = [
    "CELL",
    "FINISHED",
    "KEYFRAME",
    "MULTIPLE",
    "STRIDE",
    "DrawnPieces",
    "Evidence",
    "Matches",
    "PieceMatcher",
    "Pieces",
    "ShotMatcher",
    "Tokens",
    "collate_pieces",
    "entry_codes",
    "find_pieces",
    "gap_class",
    "join_evidence",
    "pad_pieces",
]
