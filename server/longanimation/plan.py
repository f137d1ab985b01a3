# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of work: outward from the keyframes, in segments that overlap (paper §3.3, Fig. 3)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

LOCAL_DRAWINGS = 20
"""The number of latest colored drawings in the local memory, as in the research code."""


@dataclass(frozen=True)
class Segment:
    """The drawings that one run of the model colors.

    keyframe: the drawing whose painting is the reference.
    sequence: the drawings that the model sees, in the direction of work. A held drawing may be in it several times.
    drawings: the drawings of the sequence whose colors are kept. The others are context: those before them are kept by
        the segment that this one follows, those after them by the segment that follows this one.
    follows: index of the segment that this one continues and is fused with, None for the first one at a keyframe.
    local: the latest colored drawings before this segment, for the local memory.
    correction: that of its keyframe, see `plan_segments`.
    shown: those of the drawings that no later correction colors again.
    """

    keyframe: int
    sequence: tuple[int, ...]
    drawings: tuple[int, ...]
    follows: int | None
    local: tuple[int, ...]
    correction: int = 0
    shown: tuple[int, ...] = ()

    @property
    def first(self) -> int:
        """Index of the first kept drawing in the sequence."""
        return self.sequence.index(self.drawings[0])

    @property
    def places(self) -> list[int]:
        """Indices of the kept drawings in the sequence, each where it is first seen."""
        return [self.sequence.index(drawing) for drawing in self.drawings]


def plan_segments(
    drawing_count: int,
    keyframes: Sequence[int],
    length: int,
    overlap: int,
    passed_on: int | None = None,
    holds: Sequence[int] | None = None,
    cuts: Collection[int] = (),
    corrections: Sequence[int] = (),
) -> tuple[Segment, ...]:
    """Split a shot into segments, outward from each keyframe to the cut before the next one, or halfway to it, or to
    the end.

    keyframes: drawings, in the order of work.
    length: drawings in a sequence, at most, repetitions included.
    overlap: how many of them a segment shares with the one that it continues.
    passed_on: how many of these the later segment keeps. By default, each keeps half of them (Fig. 3), and the earlier
        one keeps the middle drawing.
    holds: how often each drawing is in a sequence; by default once.
    cuts: drawings that begin another scene. Of several between two keyframes, the one nearest to halfway counts.

    corrections: for each keyframe, 0 if the shot is first colored from it, or the number of the correction that adds
        it, not decreasing; by default 0. A correction leaves the segments of earlier keyframes as they are. Its own
        come after them, and color the drawings again that are nearest to its keyframes.

    From each keyframe, the drawings after it come first, then those before it in reverse order. Exactly one segment of
    a correction colors each drawing; a keyframe's own drawing belongs to the forward part.
    Raises ValueError for keyframes outside the shot.
    """
    ordered = sorted(keyframes)
    if not ordered or ordered[0] < 0 or ordered[-1] >= drawing_count:
        raise ValueError(f"Keyframes {ordered} must lie among the {drawing_count} drawings, and there must be one.")
    if not 0 <= overlap < length:
        raise ValueError(f"The overlap {overlap} must be shorter than the segment {length}.")
    passed_on = overlap // 2 if passed_on is None else passed_on
    if holds is not None and max(holds) > length - overlap - passed_on:
        raise ValueError(f"A drawing cannot be {max(holds)} times in segments of {length} that share {overlap}.")
    numbers = corrections or [0] * len(keyframes)
    segments: list[Segment] = []
    for correction in dict.fromkeys(numbers):
        known = sorted(one for one, number in zip(keyframes, numbers, strict=True) if number <= correction)
        bounds = [0, *(_bound(left, right, cuts) for left, right in pairwise(known)), drawing_count]
        spans = dict(zip(known, pairwise(bounds), strict=True))
        for keyframe, number in zip(keyframes, numbers, strict=True):
            if number != correction:
                continue
            start, end = spans[keyframe]
            after, before = (
                tuple(drawing for drawing in drawings for _ in range(holds[drawing] if holds else 1))
                for drawings in (range(keyframe, end), range(keyframe - 1, start - 1, -1))
            )
            forward = _run(keyframe, (), (), after, length, overlap, passed_on, len(segments))
            segments += [replace(segment, correction=correction) for segment in forward]
            # The latest colored drawings, which are on the other side of the keyframe, in reverse order.
            local = forward[0].drawings[LOCAL_DRAWINGS - 1 :: -1]
            backward = _run(keyframe, (keyframe,), local, before, length, overlap, passed_on, len(segments))
            segments += [replace(segment, correction=correction) for segment in backward]
    return _with_shown(segments)


def _with_shown(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Say which drawings of each segment no later one colors again."""
    last = {drawing: index for index, segment in enumerate(segments) for drawing in segment.drawings}
    return tuple(
        replace(segment, shown=tuple(drawing for drawing in segment.drawings if last[drawing] == index))
        for index, segment in enumerate(segments)
    )


def continued(segments: Iterable[Segment]) -> set[int]:
    """Return the drawings that segments see and earlier ones color."""
    return {drawing for segment in segments for drawing in segment.sequence[: segment.first]}


def _bound(left: int, right: int, cuts: Collection[int]) -> int:
    """Return the first drawing that keyframe `right` owns, and keyframe `left` does not."""
    middle = (left + right) // 2 + 1
    return min((cut for cut in cuts if left < cut <= right), key=lambda cut: abs(cut - middle), default=middle)


def _run(
    keyframe: int,
    context: tuple[int, ...],
    local: tuple[int, ...],
    rest: tuple[int, ...],
    length: int,
    overlap: int,
    passed_on: int,
    first_index: int,
) -> list[Segment]:
    """Split one direction of work, the drawings `rest`. context: the drawings at the start of its first sequence that
    are not kept."""
    run: list[Segment] = []
    done = set(context)
    while set(rest) - done:
        new = rest[: length - len(context)]
        rest = rest[len(new) :]
        sequence = context + new
        later = set(sequence[len(sequence) - passed_on :]) if rest and passed_on else set()
        kept = tuple(dict.fromkeys(drawing for drawing in sequence if drawing not in done | later))
        run.append(Segment(keyframe, sequence, kept, first_index + len(run) - 1 if run else None, local))
        done.update(kept)
        context = sequence[len(sequence) - overlap :]
        local = kept[-LOCAL_DRAWINGS:]
    return run


def plan_research_segments(drawing_count: int, length: int = 81, stride: int = 65) -> tuple[Segment, ...]:
    """Split a shot as the research code does: forward from drawing 0, with an overlap of `length − stride`, of which
    each neighbor keeps half. The drawings that fill no segment, the first one and those half an overlap from the end
    stay uncolored. A shot shorter than `length` stays uncolored, too."""
    half = (length - stride) // 2
    segments: list[Segment] = []
    for start in range(0, drawing_count - length + 1, stride):
        sequence = tuple(range(start, start + length))
        drawings = sequence[half:-half] if segments else sequence[1:-half]
        local = segments[-1].drawings[-LOCAL_DRAWINGS:] if segments else ()
        segments.append(Segment(0, sequence, drawings, len(segments) - 1 if segments else None, local))
    return _with_shown(segments)
