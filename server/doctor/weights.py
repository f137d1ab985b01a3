# SPDX-License-Identifier: GPL-3.0-or-later
"""Check of the presets: are their weights present and complete?"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError

from server.coloring.matching import LineMatcher, Settler
from server.longanimation.convert.components import weight_files
from server.longanimation.convert.parts import assign, same_name
from server.longanimation.footprint import skeleton
from server.longanimation.placement import check_weights as check_folder
from server.presets.preset import WEIGHTS, Preset, available_presets

from .finding import Finding, fault, ok

AGAIN = "Delete {0} and restore it: `git restore {0}`, or `python install.py models` for downloaded weights."


def check_weights(weights: Path = WEIGHTS) -> Iterator[Finding]:
    """Read the headers of all weight files, and compare them with the weights that the models need."""
    try:
        presets = available_presets(weights)
    except (ValueError, OSError) as error:
        yield fault("Presets", str(error), f"Repair or delete that folder in {weights}.")
        return
    if not presets:
        yield fault("Presets", f"there is none in {weights}", "Get the repository again: `git restore server/weights`.")
    for preset in presets:
        yield from _check(f"Preset {preset.name}", preset.folder, partial(_pipeline, preset))
    for name, folder, network in (("Line matcher", "line_matcher", LineMatcher), ("Settler", "settler", Settler)):
        yield from _check(name, weights / folder, partial(_network, network, weights / folder))


def _check(name: str, folder: Path, look: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield ok(name, look())
    except (ValueError, OSError, SafetensorError) as error:
        yield fault(name, str(error), AGAIN.format(folder))


def _pipeline(preset: Preset) -> str:
    check_folder(preset.folder, skeleton(preset.folder))
    return f"{preset.bytes / 1e6:.0f} MB, all weights there. License: {preset.license}"


def _network(network: type[LineMatcher | Settler], folder: Path) -> str:
    with torch.device("meta"):
        module = network.from_config(network.load_config(folder))
    assign(folder.name, module, [(weight_files(folder), same_name)])
    return "all weights there"
