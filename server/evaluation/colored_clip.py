# SPDX-License-Identifier: GPL-3.0-or-later
"""What a method makes of a clip."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from server.coloring.shot import Guess


class ColoredClip(NamedTuple):
    """A clip as a method colored it.

    frames: finished RGB uint8 [H, W, 3], one for each drawing. guesses: by drawing, as in `SegmentResult`; None if the
    method lists none.
    """

    frames: Sequence[np.ndarray]
    guesses: Mapping[int, Sequence[Guess]] | None = None
