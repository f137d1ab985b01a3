# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot of any length, segment by segment, with the memory of the colored drawings (paper Fig. 2 b and c, §3.3)."""

import functools
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from .fusion import FUSED_LATENTS
from .memory import MappedMemory
from .pipeline import Compatibility, LongAnimationPipeline, StepCallback
from .plan import Segment, plan_research_segments, plan_segments
from .video_memory import Ratio, VideoMemory

MemoryKind = Literal["global", "local"]


@dataclass(frozen=True)
class ColoredSegment:
    """A finished segment: everything that later segments need from it.

    drawings: the drawings that were colored.
    frames: one for each drawing, uint8 [B, F, 3, H, W], as delivered, so that memory is the same in every process.
    tail: see `SegmentOutput`.
    """

    drawings: tuple[int, ...]
    frames: torch.Tensor
    tail: torch.Tensor | None


class LongShot:
    """The coloring of one shot.

    Every drawing is colored once, outward from the keyframes in both directions. Global memory holds all colored
    drawings in the order of work, including those of the keyframes. Local memory holds the latest drawings. Only the
    finished frames that a later segment's local memory shows are kept.

    sketches: [3, H, W] for each drawing; references: [B, 3, H, W] by drawing, in the order of work; both may be read
        lazily.
    seed: each segment has its own seed, derived from this one and from its first drawing.
    segment: largest number of drawings that the model sees at once. ratio: of the memory, see `VideoXL.start`.
    memory: which memories DGLM reads. holds, cuts, corrections: see
        `plan_segments`.
    sampling: arguments of the pipeline's call, such as `num_inference_steps` and `guidance_scale`.
    compatibility: "research" does what the authors' driver does: forward only, from drawing 0; segments that overlap by
        16 drawings, misaligned by one latent; the ends of the shot dropped; the prompt's suffix added once more in each
        segment, and cut where there is no room for it; the same noise in every segment, and no fixed seed for seed 0;
        after the first segment, its first sketch with the reference; frames cropped to a square for CLIP. (It does not
        include the driver's H.264 in between, nor its sample of 650 frames.)

    Raises ValueError for keyframes outside the shot, and for a `segment` that does not fill latents and patches.
    """

    def __init__(
        self,
        pipeline: LongAnimationPipeline,
        sketches: Sequence[torch.Tensor],
        references: Mapping[int, torch.Tensor],
        prompt: str = "",
        negative_prompt: str = "",
        seed: int = 0,
        segment: int = 81,
        ratio: Ratio | None = None,
        compatibility: Compatibility | None = None,
        memory: tuple[MemoryKind, ...] = ("global", "local"),
        holds: Sequence[int] | None = None,
        cuts: Collection[int] = (),
        corrections: Sequence[int] = (),
        **sampling: Any,
    ) -> None:
        self.pipeline = pipeline
        self.sketches = sketches
        self.references = references
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        self.seed = seed
        self.compatibility = compatibility
        self.memory = memory
        self._remember = functools.partial(
            pipeline.remember, ratio=ratio, crop="center" if compatibility == "research" else None
        )
        self.sampling = sampling
        if compatibility == "research":
            if list(references) != [0]:
                raise ValueError(f"The research code colors from drawing 0 alone, not from {sorted(references)}.")
            self.segments = plan_research_segments(len(sketches), segment)
        else:
            self.segments = plan_shot(pipeline, len(sketches), list(references), segment, holds, cuts, corrections)
        self._text = functools.lru_cache(maxsize=2)(pipeline.encode_prompt)
        self._history: list[VideoMemory] = []
        self._recent: dict[int, torch.Tensor] = {}
        self._tails: dict[int | None, torch.Tensor] = {}

    def run(self, finished: Iterable[ColoredSegment] = ()) -> Iterator[ColoredSegment]:
        """Yield each segment as soon as it is finished.

        finished: the first segments, as an earlier run yielded them. Work continues after them, to the same pixels.
        """
        begin = 0
        for begin, segment in enumerate(finished, start=1):
            self.remember(begin - 1, segment.frames, segment.tail)
        for index in range(begin, len(self.segments)):
            segment = self.color(index)
            self.remember(index, segment.frames, segment.tail)
            yield segment

    def color(
        self, index: int, callback_on_step_end: StepCallback | None = None, hints: torch.Tensor | None = None
    ) -> ColoredSegment:
        """Color segment `index`. All segments before it must be in memory. If the callback raises, nothing changes.

        hints: [B, F, 3, H, W] for the drawings of the segment's sequence, see `LongAnimationPipeline.__call__`.
        """
        segment = self.segments[index]
        research = self.compatibility == "research"
        sequence = list(segment.sequence)
        missing = self.pipeline.geometry.segment_length(len(sequence)) - len(sequence)
        sequence += sequence[-1:] * missing
        if hints is not None:
            hints = torch.cat([hints, hints[:, -1:].expand(-1, missing, -1, -1, -1)], dim=1)
        suffix = self.pipeline.config.prompt_suffix
        text = self._text(self.prompt + suffix * (index + 1)) if research else self._text(self.prompt, suffix)
        output = self.pipeline(
            references=self.references[segment.keyframe],
            reference_sketch=self.sketches[sequence[0] if research else segment.keyframe],
            sketches=torch.stack([self.sketches[drawing] for drawing in sequence]),
            hints=hints,
            prompt_embeds=text,
            negative_prompt_embeds=self._text(self.negative_prompt),
            generator=self._generator(index),
            memory=self._memory(index),
            previous_tail=self._tails.get(segment.follows),
            compatibility=self.compatibility,
            callback_on_step_end=callback_on_step_end,
            **self.sampling,
        )
        kept = output.frames[:, segment.places]
        return ColoredSegment(segment.drawings, (kept * 255).round().byte().cpu(), output.tail)

    def remember(self, index: int, frames: torch.Tensor, tail: torch.Tensor | None) -> None:
        """Add the finished frames of segment `index`, uint8 [B, F, 3, H, W], and its tail to memory."""
        segment, later = self.segments[index], self.segments[index + 1 :]
        if later:  # nothing reads memory after the last segment
            history: Sequence[VideoMemory | None] = self._history or [None] * len(frames)
            self._history = [self._remember(memory, video / 255) for memory, video in zip(history, frames, strict=True)]
        shown = {drawing for other in later for drawing in other.local}
        before = {drawing: frame for drawing, frame in self._recent.items() if drawing in shown}
        latest = zip(segment.drawings, frames.unbind(1), strict=True)
        self._recent = before | {drawing: frame.clone() for drawing, frame in latest if drawing in shown}
        self._tails.pop(segment.follows, None)
        if tail is not None:
            self._tails[index] = tail

    def _memory(self, index: int) -> MappedMemory | None:
        """Return what DGLM reads (Eq. 4); None for the first segment of a shot."""
        history = self._history if "global" in self.memory else []
        latest: list[VideoMemory] = []
        if "local" in self.memory and (local := self.segments[index].local):
            frames = torch.stack([self._recent[drawing] for drawing in local], dim=1)
            latest = [self._remember(None, video / 255) for video in frames]
        if not history:  # local memory alone takes the first place
            history, latest = latest, []
        return self.pipeline.map_memory(history, latest or None) if history else None

    def _generator(self, index: int) -> torch.Generator | None:
        if self.compatibility == "research":
            return torch.Generator().manual_seed(self.seed) if self.seed else None
        return torch.Generator().manual_seed(derived_seed(self.seed, self.segments[index].drawings[0]))


def plan_shot(
    pipeline: LongAnimationPipeline,
    drawing_count: int,
    keyframes: Sequence[int],
    segment: int,
    holds: Sequence[int] | None = None,
    cuts: Collection[int] = (),
    corrections: Sequence[int] = (),
) -> tuple[Segment, ...]:
    """Plan a shot as `plan_segments` does, with the overlap that the pipeline fuses segments over. Raises ValueError
    also for a length of segments that `Geometry.check_segment` refuses."""
    pipeline.geometry.check_segment(segment)
    overlap = 1 + FUSED_LATENTS * pipeline.geometry.temporal
    return plan_segments(drawing_count, keyframes, segment, overlap, holds=holds, cuts=cuts, corrections=corrections)


def derived_seed(*parts: int) -> int:
    """Return a seed that depends on all parts and is the same on every machine."""
    return zlib.crc32(repr(parts).encode())
