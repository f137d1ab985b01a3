# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: folders with a pipeline and its best settings."""

import json
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Literal

from shared.manifest import Background, Quality

WEIGHTS = Path(__file__).parents[1] / "weights"


class UnknownPreset(ValueError):
    """There is no preset with that name; the message lists the installed ones."""


class NoBackgrounds(ValueError):
    """A preset cannot paint a background from words; the message lists the installed ones that can."""


@dataclass(frozen=True)
class Preset:
    """A model and its defaults, read from `preset.json` in its folder.

    pixels: area at which the model works; the shot's shape is kept.
    segment: drawings per segment. steps, guidance: settings of the denoising.
    votes: how many runs, each in different code colors, are added up; 0 uses the model's own colors.
    hints: whether the model was trained with hints from the line matcher.
    gpu: whether it needs a GPU.
    engine: the name of the video model, see `server.engines`.
    quality: of shots whose quality is `auto`.
    model_weight: weight of the model's votes; those of the line matcher have weight 1.
    lined_memory: whether the finished frames that Video-XL watches have their lines. Frames in code colors have none.
    memory_ratio: how far memory is compressed, as in training: visual tokens to a beacon, or "dynamic" (§3.2.2). None
        for the ratio in Video-XL's configuration.
    repeats_holds: whether the model sees a held drawing several times, as in the films that it was trained on, or once.
    binary_sketches: whether the model was trained on sketches that are binary at its size (§4.1).
    paints_backgrounds: whether it can paint a background from words (§4.2).
    context_parallel: how many GPUs color one shot together. A worker owns so many.

    The fields with defaults may be missing in the file. The defaults fit a large model whose weights could not be
    measured.
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
    engine: str = "longanimation"
    quality: Quality = "exact"
    model_weight: float = 1.0
    lined_memory: bool = True
    memory_ratio: int | Literal["dynamic"] | None = None
    repeats_holds: bool = False
    binary_sketches: bool = True
    paints_backgrounds: bool = True
    context_parallel: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.context_parallel, int) or self.context_parallel < 1:
            raise ValueError(
                f"The preset {self.name} sets `context_parallel` to {self.context_parallel!r}: give the number of GPUs "
                "that color one shot together, 1 or more."
            )

    @property
    def bytes(self) -> int:
        """Size of the folder on disk in bytes."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def _read(folder: Path) -> Preset:
    settings = json.loads((folder / "preset.json").read_text(encoding="utf-8"))
    if "licence" in settings:  # the spelling in presets of older versions
        settings["license"] = settings.pop("licence")
    known = {field.name: field.default is MISSING for field in fields(Preset) if field.name not in ("name", "folder")}
    needed = {name for name, is_needed in known.items() if is_needed}
    if unknown := settings.keys() - known.keys():
        raise ValueError(f"{folder / 'preset.json'} sets {sorted(unknown)}, but a preset has only {sorted(known)}.")
    if missing := needed - settings.keys():
        raise ValueError(f"{folder / 'preset.json'} must also set {sorted(missing)}.")
    return Preset(folder.name, folder, **settings)


def available_presets(weights: Path = WEIGHTS) -> tuple[Preset, ...]:
    """Return all installed presets, by name."""
    return tuple(_read(path.parent) for path in sorted(weights.glob("*/preset.json")))


def find_preset(name: str, weights: Path = WEIGHTS) -> Preset:
    """Return the preset called `name`. Raises UnknownPreset if it is not installed."""
    presets = {preset.name: preset for preset in available_presets(weights)}
    if name not in presets:
        raise UnknownPreset(f"There is no preset {name!r} here. Installed: {', '.join(presets) or 'none'}.")
    return presets[name]


def check_background(preset: Preset, background: Background, weights: Path = WEIGHTS) -> None:
    """Raise NoBackgrounds if a shot's background is to be generated and the preset cannot paint any."""
    if background == "generated" and not preset.paints_backgrounds:
        able = [other.name for other in available_presets(weights) if other.paints_backgrounds]
        instead = f"use {' or '.join(able)}" if able else "install another preset with `python install.py models`"
        raise NoBackgrounds(
            f"The preset {preset.name} cannot paint a background from words: keep the background, or {instead}."
        )


def gpus_per_worker(weights: Path = WEIGHTS) -> int:
    """Return how many GPUs a worker owns: as many as color a shot together with the installed preset that wants most of
    them. With the others, it uses its first GPUs."""
    return max((preset.context_parallel for preset in available_presets(weights) if preset.gpu), default=1)
