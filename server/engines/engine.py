# SPDX-License-Identifier: GPL-3.0-or-later
"""What the coloring needs of a video model."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from server.longanimation import FUSION_START
from server.longanimation.footprint import Workload
from server.longanimation.long_shot import ColoredSegment, MemoryKind
from server.longanimation.placement import Plan
from server.longanimation.plan import Segment
from server.longanimation.video_memory import Ratio

StepCallback = Callable[[int, int], None]
"""Receives (steps done, total steps). An exception from it ends the run and changes nothing."""


@dataclass(frozen=True)
class Sampling:
    """How a shot is sampled.

    seed: of the shot. segment: largest number of drawings that the model sees at once. holds: how often it sees each
    drawing in a row; None for once. cuts: drawings that begin another scene. corrections: for
    each keyframe, see `plan_segments`. steps, guidance: settings of the
    denoising. quality: as in `shared.manifest`; it decides what is left out for speed.

    Only LongAnimation has the others. memory_ratio: see `Preset`. memory, fusion_start: parts that comparisons switch
    off, see `server.coloring.ablation`.
    """

    seed: int
    segment: int
    steps: int
    guidance: float
    holds: Sequence[int] | None = None
    cuts: Collection[int] = ()
    corrections: Sequence[int] = ()
    quality: str = "exact"
    memory_ratio: Ratio | None = None
    memory: tuple[MemoryKind, ...] = ("global", "local")
    fusion_start: float = FUSION_START


class ShotModel(Protocol):
    """A model that colors the segments of one shot in order."""

    segments: tuple[Segment, ...]

    def color(self, index: int, on_step: StepCallback | None, hints: torch.Tensor | None) -> ColoredSegment:
        """Color segment `index`. All segments before it must be remembered.

        hints: what the drawings of its sequence may look like, [B, F, 3, H, W] in −1..1. Only for presets with hints.
        """

    def remember(self, index: int, frames: torch.Tensor, tail: torch.Tensor | None) -> None:
        """Take over finished segment `index`: its frames as delivered, uint8 [B, F, 3, H, W], and its tail, see
        `ColoredSegment`."""


class Engine(Protocol):
    """A loaded video model.

    multiple: heights and widths must be multiples of this. arithmetic: everything about its numbers that changes
    frames: the type, and whether weights are rounded. tiled: what is done in overlapping tiles since the
    GPU's memory ran out.
    """

    multiple: int
    arithmetic: tuple[Any, ...]

    @property
    def tiled(self) -> Collection[str]: ...

    def cut_prompt(self, prompt: str) -> tuple[str, str]:
        """Return the part of a prompt that the model reads, and the rest."""

    def plan(
        self,
        drawings: int,
        keyframes: Sequence[int],
        segment: int,
        holds: Sequence[int] | None = None,
        cuts: Collection[int] = (),
        corrections: Sequence[int] = (),
    ) -> tuple[Segment, ...]:
        """Plan a shot without coloring it. segment, holds, cuts, corrections: see `Sampling`. Raises ValueError for
        keyframes outside the shot."""

    def open(
        self,
        sketches: Sequence[torch.Tensor],
        references: Mapping[int, torch.Tensor],
        prompt: str,
        sampling: Sampling,
    ) -> ShotModel:
        """Open a shot.

        sketches: [3, H, W] for each drawing, −1 paper, +1 line. references: painted images [B, 3, H, W] in −1..1 by
        drawing, in the order of work; B colorings of the shot are made side by side.
        """


class EngineLoader(Protocol):
    """Loads an engine from the folder of a preset."""

    def load(self, folder: Path, device: torch.device, workload: Workload, mode: str) -> Engine:
        """Load it onto a device. mode: a memory mode, or `auto`. Raises MemoryModeError when it does not fit,
        ContextParallelError when several GPUs cannot share its work, and ConversionError when weights are missing."""

    def fit(self, folder: Path, device: torch.device, workload: Workload, mode: str) -> Plan:
        """Return how it would be placed in the memory that is free now. Raises MemoryModeError and
        ContextParallelError."""
