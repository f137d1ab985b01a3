# SPDX-License-Identifier: GPL-3.0-or-later
"""A loaded preset that colors shots."""

from dataclasses import replace

import diffusers
import torch
import transformers

from server.coloring.matching import Matching
from server.engines import Engine, find_engine
from server.longanimation.footprint import Workload
from server.longanimation.placement import work_dtype
from server.presets.preset import WEIGHTS, Preset, find_preset

from .ablation import FULL, Ablation
from .cuts import find_cuts
from .shot import Shot
from .shot_coloring import ShotColoring


class Colorizer:
    """A loaded preset, ready for shots."""

    def __init__(self, engine: Engine, matching: Matching, preset: Preset) -> None:
        self.engine = engine
        self.matching = matching
        self.preset = preset

    @classmethod
    def from_preset(cls, name: str, device: str | None = None, memory_mode: str = "auto") -> "Colorizer":
        """Load a preset onto a device, by default a GPU where there is one; memory_mode: see
        `server.longanimation.placement`. On a GPU, the process uses deterministic algorithms from then on, so that a
        shot that is resumed has the same frames.

        Raises UnknownPreset when it is not installed, MemoryModeError when it does not fit.
        """
        preset = find_preset(name)
        # The server shows the progress of the shot, not of the files that are read before it.
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        there = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if there.type != "cpu":  # the CPU's algorithms are deterministic
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.utils.deterministic.fill_uninitialized_memory = False  # it costs time, and nothing reads that memory
        engine = find_engine(preset.engine).load(preset.folder, there, _workload(preset), memory_mode)
        return cls(engine, Matching.load(WEIGHTS, there, work_dtype(there)), preset)

    @staticmethod
    def check_memory(preset: Preset, device: str, memory_mode: str = "auto") -> None:
        """Check that a preset fits into the GPU memory that is free now, in some mode. Raises MemoryModeError."""
        find_engine(preset.engine).fit(preset.folder, torch.device(device), _workload(preset), memory_mode)

    def open(self, shot: Shot, ablation: Ablation = FULL) -> ShotColoring:
        """Plan the coloring of a shot. `ablation` switches off modules of the stack for comparisons."""
        if shot.quality == "auto":
            shot = replace(shot, quality=self.preset.quality)
        cuts = find_cuts(shot.drawings) if len(shot.keyframes) > 1 else ()
        parts = self.engine, self.matching, self.preset
        first, *later = dict.fromkeys(shot.corrections or [0])
        coloring = ShotColoring(*parts, shot.until(first), ablation, cuts)
        for correction in later:
            coloring = ShotColoring(*parts, shot.until(correction), ablation, cuts, coloring)
        return coloring


def _workload(preset: Preset) -> Workload:
    colorings, is_guided = max(1, preset.votes), preset.guidance != 1.0
    return Workload(preset.pixels, preset.segment, colorings, is_guided, preset.context_parallel)
