# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of the paper's line extractor (§4.1): the authors' own copy on the hub, its checksum and its license."""

from pathlib import Path

from server.presets.preset import WEIGHTS
from server.presets.published_preset import Download

EXTRACTOR = "informative-drawings"
"""The name of the extractor for `install.py models`, and of its folder in `server/weights`."""

FILE = "model.pth"

DOWNLOAD = Download(
    EXTRACTOR,
    "carolineec/informativedrawings",
    "bd4b4299be505803e036203a39c02024b4cfee11",
    (FILE,),
    "line extractor, for the lines of film clips",
    "MIT, say the authors' code and the page of this demonstration of theirs. They state no license for the weights "
    "themselves.",
    kind="space",
)
"""The demonstration of Chan, Durand and Isola. Its first style is the file that the research code takes from another
repository under the name `sk_model.pth`: both have the same checksum."""

SHA256 = "c686ced2a666b4850b4bb6ccf0748031c3eda9f822de73a34b8979970d90f0c6"
"""The checksum of the file."""


def extractor_weights(weights: Path = WEIGHTS) -> Path:
    """Return the file with the extractor's weights, which may not exist. weights: the folder of presets."""
    return weights / EXTRACTOR / FILE
