# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts that color a shot. The preset, quality, finish and ablation determine them when the shot is opened."""

from collections.abc import Callable, Collection

import numpy as np

from server.coloring.matching import Matching
from server.engines import Engine, Sampling
from server.longanimation.long_shot import derived_seed
from server.presets.preset import Preset

from .ablation import Ablation
from .code_colors import CodedRendition, ModelVotes, PlainRendition, Rendition, code_colors
from .fill import Fill, FlatFill, ModelFill, SoftFill
from .finisher import (
    Background,
    GeneratedBackground,
    GeneratedPicture,
    JointVotes,
    KeptBackground,
    PaintedVotes,
    PropagatedVotes,
    Votes,
)
from .keyframes import Keyframes
from .model_size import ModelSize
from .painter import ModelPainter, NoPainter, Painter
from .propagation import NoPropagator, Propagator
from .shot import Shot

MOST_REPEATS = 4
"""The most times that a model sees a held drawing in a row: four frames share a latent of the published VAE."""
DRAFT_VOTES = 1
"""Most votes of a draft."""


class Stack:
    """The stack for one shot.

    cuts: the drawings that begin another scene.
    """

    def __init__(
        self,
        engine: Engine,
        preset: Preset,
        shot: Shot,
        ablation: Ablation,
        keyframes: Keyframes,
        cuts: Collection[int] = (),
    ) -> None:
        self._engine = engine
        self._preset = preset
        self._shot = shot
        self._ablation = ablation
        self._keyframes = keyframes
        self._cuts = cuts
        self._palette = keyframes.palette
        held = preset.repeats_holds and shot.holds
        self._holds = [min(frames, MOST_REPEATS) for frames in shot.holds] if held else None
        self._is_preview = shot.quality == "preview"
        count = min(preset.votes, DRAFT_VOTES) if shot.quality == "draft" else preset.votes
        seeds = [derived_seed(shot.seed, 0, vote) for vote in range(count)]
        self._codes = [code_colors(len(self._palette.colors), np.random.default_rng(seed)) for seed in seeds]

    def propagator(self, matching: Matching, line_art: Callable[[int], np.ndarray]) -> Propagator | NoPropagator:
        """Return the part that propagates palette entries from known drawings to others."""
        if self._ablation.propagated or self._is_preview:
            keyframes = self._keyframes
            return Propagator(matching, line_art, keyframes.meetings, keyframes.gradients, keyframes.sheets)
        return NoPropagator(line_art)

    def painter(self, size: ModelSize, line_art: Callable[[int], np.ndarray]) -> Painter:
        """Return the part that paints the segments."""
        if self._is_preview:
            drawings, keyframes = len(self._shot.drawings), list(self._keyframes)
            plan = self._engine.plan(
                drawings, keyframes, self._preset.segment, self._holds, self._cuts, self._shot.corrections
            )
            return NoPainter(plan)
        return ModelPainter(
            self._engine,
            self._shot,
            self._keyframes,
            self._renditions(),
            size,
            line_art,
            is_hinted=self._preset.hints and self._ablation.propagated,
            binary_sketches=self._preset.binary_sketches,
            sampling=Sampling(
                seed=self._shot.seed,
                segment=self._preset.segment,
                steps=self._preset.steps,
                guidance=self._preset.guidance,
                holds=self._holds,
                cuts=self._cuts,
                corrections=self._shot.corrections,
                quality=self._shot.quality,
                memory=self._ablation.memory,
                memory_ratio=self._preset.memory_ratio,
                fusion_start=self._ablation.fusion_start,
            ),
        )

    def votes(self) -> Votes:
        """Return the votes by which the entries of regions are chosen."""
        if self._is_preview:
            return PropagatedVotes()
        # Where nothing is behind, a color alone cannot vote for transparency.
        own = self._palette.on_white[: None if self._shot.is_generated else len(self._palette.visible)]
        model = ModelVotes(self._codes or [own], len(self._palette.colors))
        return JointVotes(model, self._preset.model_weight) if self._ablation.propagated else PaintedVotes(model)

    def fill(self) -> Fill:
        """Return how regions are filled."""
        if self._shot.finish == "flats":
            return FlatFill(self._palette)
        return SoftFill(self._palette) if self._codes or self._is_preview else ModelFill(self._palette)

    def background(self) -> Background:
        """Return what is visible where keyframes are transparent."""
        if not self._shot.is_generated:
            return KeptBackground()
        return GeneratedBackground() if self._codes else GeneratedPicture()

    def _renditions(self) -> list[Rendition]:
        """Return one rendition in code colors per vote, and last one in the keyframe's colors if those are shown."""
        renditions: list[Rendition] = [CodedRendition(codes) for codes in self._codes]
        if not self._codes or self._shot.is_generated:
            renditions.append(PlainRendition(self._palette.on_white))
        return renditions
