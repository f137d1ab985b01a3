# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of the extractor that draws the lines of film clips (paper §4.1)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from server.presets.published_extractor import EXTRACTOR, extractor_weights

if TYPE_CHECKING:
    from server.longanimation.line_extractor import LineExtractor

_log = logging.getLogger(__name__)

Extractor = Literal["informative-drawings", "dog"]
EXTRACTORS: tuple[Extractor, ...] = ("informative-drawings", "dog")
"""The paper's, whose weights are to be fetched, and the classical difference of Gaussians, which has none."""

FETCH = f"python install.py models {EXTRACTOR}"


def choose_extractor(name: Extractor | None, weights: Path | None = None) -> LineExtractor:
    """Return the extractor `name`; with None, the paper's if its weights are there, and otherwise the classical one,
    which the log says. It works on a GPU if there is one.

    weights: the file of the paper's extractor, by default where `install.py models` puts it.

    Raises FileNotFoundError if the weights of the extractor `name` are missing.
    """
    import torch

    from server.coloring.line_art.difference_of_gaussians import DifferenceOfGaussians
    from server.longanimation.line_extractor import InformativeDrawings

    weights = weights or extractor_weights()
    if name == "dog":
        return DifferenceOfGaussians()
    if weights.is_file():
        _log.info("Lines are drawn as in the paper, by %s.", EXTRACTOR)
        return InformativeDrawings(weights, "cuda" if torch.cuda.is_available() else "cpu")
    if name is not None:
        raise FileNotFoundError(f"{weights} is missing. Fetch it: {FETCH}. Or give --lines dog.")
    _log.warning(
        "%s is not here, so lines are drawn as a difference of Gaussians, unlike in the paper. Fetch it: %s",
        EXTRACTOR,
        FETCH,
    )
    return DifferenceOfGaussians()
