# SPDX-License-Identifier: GPL-3.0-or-later
"""The coloring of one shot, segment by segment. It can stop after any segment and continue in another process."""

import functools
import io
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from server.coloring.line_art.compositing import lay_lines, over
from server.coloring.matching import Matching
from server.engines import Engine
from server.presets.preset import Preset
from shared.digests import address_of

from .ablation import Ablation
from .finisher import Finished, Finisher
from .keyframes import Keyframes
from .model_size import model_size
from .painter import StepCallback
from .palette import translation
from .propagation import Propagated
from .region_labels import RegionLabels
from .shot import Guess, SegmentResult, Shot
from .stack import Stack

MOST_KEYFRAMES = 3
"""The most keyframes from which colors are propagated to a drawing, as in training."""


class ShotColoring:
    """The coloring of one shot, as a sequence of segments.

    The same shot and seed give the same frames, whether colored without interruption or restored after one.
    cuts: the drawings that begin another scene. before: the coloring of the shot without its last correction. Its
    segments come first, and it colors them as if there were no correction.
    """

    def __init__(
        self,
        engine: Engine,
        matching: Matching,
        preset: Preset,
        shot: Shot,
        ablation: Ablation,
        cuts: Collection[int] = (),
        before: "ShotColoring | None" = None,
    ) -> None:
        self._shot = shot
        self._before = before
        self._unread: dict[int, SegmentResult] = {}
        self._ablation = ablation
        self._arithmetic = engine.arithmetic
        rows, columns = shot.drawings[0].shape
        self._size = model_size(rows, columns, preset.pixels, engine.multiple)
        # A drawing is read several times while it, or the next one, is finished, and each read may decode it.
        self._line_art = functools.lru_cache(maxsize=8)(shot.drawings.__getitem__)
        self._keyframes = Keyframes(shot, self._line_art)
        stack = Stack(engine, preset, shot, ablation, self._keyframes, cuts)
        self._propagator = stack.propagator(matching, self._line_art)
        self._painter = stack.painter(self._size, self._line_art)
        self._finisher = Finisher(
            self._keyframes, stack.votes(), stack.fill(), stack.background(), shot.gap, shot.smallest_region
        )
        self._is_memory_lined = preset.lined_memory
        self.segments = self._painter.segments
        self.note = " ".join(note for note in (self._keyframes.note, self._painter.note) if note)

    @property
    def fingerprints(self) -> dict[int, str]:
        """For each correction, a digest of everything its segments depend on besides their drawings, their keyframe and
        their history."""
        palette = self._keyframes.palette
        parts = (*self._size, self._ablation, self._arithmetic, palette.colors.tolist())
        earlier = {} if self._before is None else self._before.fingerprints
        return earlier | {self.segments[-1].correction: address_of(repr(parts).encode())}

    def color(self, index: int, on_step: StepCallback | None = None) -> SegmentResult:
        """Color segment `index`; all before it must have been colored or restored.

        on_step is called with (steps done, total steps). An exception from it ends the run and changes nothing.
        """
        if self._before is not None and index < len(self._before.segments):
            result = self._color_before(self._before, index, on_step)
            self._remember(index, result)
            return result
        segment = self.segments[index]
        propagated, evidence = self._propagate(index), self.evidence(index)
        images, tail, note = self._painter.paint(index, propagated, on_step)
        frames, guesses, entries, colors = {}, {}, [], []
        for drawing, pictures in zip(segment.drawings, images, strict=True):
            finished = self._finish(drawing, pictures, evidence, propagated)
            frames[drawing] = lay_lines(self._shot.fill_traces(drawing, finished.color), self._shot.ink(drawing))
            entries.append(self._size.shrink(finished.entries))
            colors.append(self._remembered(frames[drawing], finished.color))
            if finished.regions and (uncertain := self._guesses(finished.regions)):
                guesses[drawing] = uncertain
        state = {
            "entries": np.stack(entries),
            **self._painter.state(np.stack(colors), tail),
        }
        packed = io.BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **state)
        result = SegmentResult(frames, packed.getvalue(), guesses, note)
        self._remember(index, result)
        return result

    def evidence(self, index: int) -> list[int]:
        """Return the keyframes from which colors are propagated to segment `index`: its own first, then the nearest."""
        owner, segment = self._owner(index), self.segments[index]
        middle = segment.drawings[len(segment.drawings) // 2]
        others = [keyframe for keyframe in owner._keyframes if keyframe != segment.keyframe]
        nearest = sorted(others, key=lambda keyframe: abs(keyframe - middle))
        return [segment.keyframe, *nearest[: MOST_KEYFRAMES - 1]]

    def restore(self, index: int, result: SegmentResult) -> None:
        """Take over a segment that was finished in an earlier process."""
        if self._before is not None and index < len(self._before.segments):
            self._unread[index] = replace(result, frames={})  # read only if an earlier correction goes on
        self._remember(index, result)

    def _color_before(self, before: "ShotColoring", index: int, on_step: StepCallback | None) -> SegmentResult:
        """Color a segment of an earlier correction, after those of it that were restored."""
        for earlier in sorted(self._unread):
            before.restore(earlier, self._unread.pop(earlier))
        return before.color(index, on_step)

    def _remember(self, index: int, result: SegmentResult) -> None:
        state = dict(np.load(io.BytesIO(result.state), allow_pickle=False))
        owner = self._owner(index)
        if owner is not self:
            state["entries"] = translation(owner._keyframes.palette, self._keyframes.palette)[state["entries"]]
        self._painter.remember(index, state)

    def _owner(self, index: int) -> "ShotColoring":
        """Return the coloring that colors a segment: this one, or that of an earlier correction."""
        if self._before is None or index >= len(self._before.segments):
            return self
        return self._before._owner(index)

    def _propagate(self, index: int) -> dict[int, Propagated]:
        """Propagate the colors of the keyframes to the segment's other drawings."""
        segment = self.segments[index]
        known = {keyframe: self._keyframes.labels(keyframe) for keyframe in self.evidence(index)}
        wanted = segment.sequence[segment.first :] if self._painter.is_hinted else segment.drawings
        drawings = [drawing for drawing in dict.fromkeys(wanted) if drawing not in self._keyframes]
        return dict(zip(drawings, self._propagator.propagate(drawings, known), strict=True))

    def _finish(
        self, drawing: int, images: np.ndarray, evidence: list[int], propagated: dict[int, Propagated]
    ) -> Finished:
        if drawing in self._keyframes:
            return self._finisher.keyframe(drawing, self._line_art(drawing), images)
        return self._finisher.drawing(self._line_art(drawing), images, propagated[drawing], evidence)

    def _remembered(self, frame: np.ndarray, color: np.ndarray) -> np.ndarray:
        """Return what the model remembers of a finished frame, which has lines, or of its colors, which have none."""
        if self._is_memory_lined:
            return self._size.reduce(over(frame, 255))
        return over(self._size.shrink(color), 255)

    def _guesses(self, regions: RegionLabels) -> list[Guess]:
        guesses = []
        for region in regions.uncertain():
            own, other = (self._keyframes.color_name(entry) for entry in region.entries)
            guesses.append(Guess(own, other, region.margin, region.share, region.box))
        return guesses
