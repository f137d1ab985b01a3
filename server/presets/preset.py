# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: folders that hold a pipeline and how it is best run."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

WEIGHTS = Path(__file__).parents[1] / "weights"


class UnknownPreset(ValueError):
    """There is no preset of that name; the message lists those there are."""


@dataclass(frozen=True)
class Preset:
    """A model and its defaults, read from `preset.json` in its folder.

    pixels: area at which the model works; the shot's shape is kept.
    segment: drawings in a segment. steps, guidance: of the denoising.
    votes: how many runs, each in other code colors, are added up; 0 uses the model's own colors.
    hints: whether the model was trained with hints from the line matcher.
    gpu: whether it needs a GPU.
    """

    name: str
    folder: Path
    title: str
    license: str
    pixels: int
    segment: int
    steps: int
    guidance: float
    votes: int
    hints: bool
    gpu: bool

    @property
    def bytes(self) -> int:
        """Size of the folder on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def _read(folder: Path) -> Preset:
    settings = json.loads((folder / "preset.json").read_text(encoding="utf-8"))
    if "licence" in settings:  # as presets of older versions write it
        settings["license"] = settings.pop("licence")
    known = {field.name for field in fields(Preset)} - {"name", "folder"}
    if settings.keys() != known:
        raise ValueError(f"{folder / 'preset.json'} must set exactly {sorted(known)}, not {sorted(settings)}.")
    return Preset(folder.name, folder, **settings)


def available_presets(weights: Path = WEIGHTS) -> tuple[Preset, ...]:
    """Every preset that is installed, by name."""
    return tuple(_read(path.parent) for path in sorted(weights.glob("*/preset.json")))


def find_preset(name: str, weights: Path = WEIGHTS) -> Preset:
    """Return the preset called `name`; UnknownPreset when it is not installed."""
    presets = {preset.name: preset for preset in available_presets(weights)}
    if name not in presets:
        raise UnknownPreset(f"There is no preset {name!r} here. Installed: {', '.join(presets) or 'none'}.")
    return presets[name]
