# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of the stack work on a shot; parts are switched off to compare (paper Fig. 1, Tables 2 and 3)."""

from dataclasses import dataclass

from server.longanimation import FUSION_START
from server.longanimation.long_shot import MemoryKind


@dataclass(frozen=True)
class Ablation:
    """Which parts of the stack are on.

    memory: what DGLM reads. fusion_start: share of the steps that pass before Color Consistency Fusion begins; 1 turns
    it off. propagated: whether the line matcher propagates colors, which are hints to the model and votes beside it.
    """

    memory: tuple[MemoryKind, ...] = ("global", "local")
    fusion_start: float = FUSION_START
    propagated: bool = True


FULL = Ablation()
"""The full stack, as animators use it."""
