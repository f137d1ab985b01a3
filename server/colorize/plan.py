# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of work: outward from the keyframes, in segments that overlap."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Segment:
    """What one run of the model colours.

    keyframe: the drawing whose painting is the reference.
    context: drawings that lead in: coloured before, seen again. drawings: those that this segment colours.
    follows: index of the segment that this one continues, None for the first beside a keyframe.
    """

    keyframe: int
    context: tuple[int, ...]
    drawings: tuple[int, ...]
    follows: int | None

    @property
    def sequence(self) -> tuple[int, ...]:
        """Every drawing that the model sees, in the direction of work."""
        return self.context + self.drawings


def plan_segments(drawing_count: int, keyframes: Collection[int], length: int, overlap: int) -> tuple[Segment, ...]:
    """Split a shot into segments, outward from each keyframe to halfway to the next one or to the end.

    length: drawings in a segment; overlap: how many of them lead in, when it continues another. Forward work comes
    first, then the part before the keyframe as the time-reversed sequence. Every drawing is coloured by exactly one
    segment, a keyframe's own drawing by the forward one.
    """
    ordered = sorted(keyframes)
    if not ordered or ordered[0] < 0 or ordered[-1] >= drawing_count:
        raise ValueError(f"Keyframes {ordered} must lie among the {drawing_count} drawings, and there must be one.")
    if not 0 <= overlap < length:
        raise ValueError(f"The overlap {overlap} must be shorter than the segment {length}.")
    # Ownership changes halfway between two keyframes.
    bounds = [0, *((left + right) // 2 + 1 for left, right in pairwise(ordered)), drawing_count]
    segments: list[Segment] = []
    for keyframe, (start, end) in zip(ordered, pairwise(bounds), strict=True):
        segments += _run(keyframe, (), range(keyframe, end), length, overlap, len(segments))
        segments += _run(keyframe, (keyframe,), range(keyframe - 1, start - 1, -1), length, overlap, len(segments))
    return tuple(segments)


def _run(
    keyframe: int, context: tuple[int, ...], drawings: range, length: int, overlap: int, first_index: int
) -> list[Segment]:
    """Split one direction of work; `context` leads into its first segment."""
    run: list[Segment] = []
    rest = tuple(drawings)
    while rest:
        new = rest[: length - len(context)]
        run.append(Segment(keyframe, context, new, first_index + len(run) - 1 if run else None))
        rest = rest[len(new) :]
        context = run[-1].sequence[-overlap:] if overlap else ()
    return run
