# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame numbers in the names of image files. The number that varies from file to file is the frame."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_NAMED = 8
"""The most gaps, or files, that a sentence names."""

_NUMBER = re.compile(r"(?:(?<![^-_. ])-)?[0-9]+")
"""A number. A minus sign belongs to it at the beginning of a name and after a separator."""
_SIGNED = re.compile(r"-?[0-9]+")
"""A number to which every minus sign before it belongs."""
_LABEL = re.compile(r"[A-Za-z]*$")
_VERSIONS = {"v", "ver", "version", "rev", "revision", "take", "tk"}
"""Words that mark the number right after them as a version, as in `v2`."""
_PLACES = {"act", "cam", "cut", "ep", "episode", "sc", "scene", "seq", "sequence", "sh", "shot", "sq"}
"""Words that mark the number right after them as a place in the film, as in `sc04`."""


class UnclearFrame(ValueError):
    """Which number of a name is the frame is not clear.

    stem: the name without its suffix. numbers: the numbers that may be the frame, as frames; empty if there is none.
    """

    def __init__(self, stem: str, numbers: Iterable[int] = ()) -> None:
        super().__init__(stem)
        self.stem = stem
        self.numbers = tuple(dict.fromkeys(numbers))


@dataclass(frozen=True)
class _Name:
    """A name, taken apart: the texts around its numbers, one more than there are numbers, and the numbers."""

    stem: str
    texts: tuple[str, ...]
    numbers: tuple[int, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The word right before each number, in lower case, or ""."""
        return tuple(_LABEL.findall(text)[0].lower() for text in self.texts[:-1])


def _parse(stem: str, pattern: re.Pattern[str] = _NUMBER) -> _Name:
    return _Name(stem, tuple(pattern.split(stem)), tuple(int(digits) for digits in pattern.findall(stem)))


def _parse_among(stem: str, forms: Collection[tuple[str, ...]]) -> _Name:
    """Take a name apart. A hyphen between a word and a number is a minus sign if other names lack only that."""
    signed = _parse(stem, _SIGNED)
    return signed if signed.texts in forms else _parse(stem)


def by_form(stems: Iterable[str]) -> dict[tuple[str, ...], list[str]]:
    """Group names without suffixes by the texts around their numbers. Names without a number are left out."""
    known = list(stems)
    forms = {_parse(stem).texts for stem in known}
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in (_parse_among(stem, forms) for stem in known):
        if name.numbers:
            groups.setdefault(name.texts, []).append(name.stem)
    return groups


@dataclass(frozen=True)
class Numbering:
    """How the files of a sequence are numbered.

    frames: the frame of each file, in the order of the names. places: which number is the frame, counted from 0, by the
    texts around the numbers. constants: the other numbers that all names of one form share, each with the word before.
    """

    frames: tuple[int, ...]
    places: dict[tuple[str, ...], int]
    constants: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, stems: Sequence[str], number: int | None = None) -> Numbering:
        """Find the frames of a sequence's files from their names without suffixes.

        Names are compared with those that have the same texts around their numbers. Of the numbers that vary, one after
        `v` or the like is a version, and one that two files share is not the frame either. number: which of the numbers
        is the frame in all names, instead: 1 is the first, -1 the last. Raises UnclearFrame.
        """
        forms = {_parse(stem).texts for stem in stems}
        names = [_parse_among(stem, forms) for stem in stems]
        groups: dict[tuple[str, ...], list[_Name]] = {}
        for name in names:
            groups.setdefault(name.texts, []).append(name)
        places: dict[tuple[str, ...], int] = {}
        constants: set[tuple[str, int]] = set()
        for texts, group in sorted(groups.items(), key=lambda item: -len(item[1])):
            if number is not None:
                places[texts] = _chosen(group[0], number)
            elif len(group) > 1:
                places[texts] = _varying(group)
            else:
                known = tuple(name.numbers[places[name.texts]] for name in names if name.texts in places)
                frame = cls(known, {}, frozenset(constants)).frame_of(group[0].stem)
                places[texts] = group[0].numbers.index(frame)
            if len(group) > 1:
                labels, values = group[0].labels, list(zip(*(name.numbers for name in group), strict=True))
                constants |= {(labels[i], column[0]) for i, column in enumerate(values) if len(set(column)) == 1}
        return cls(tuple(name.numbers[places[name.texts]] for name in names), places, frozenset(constants))

    def rest_of(self, stem: str) -> tuple[int, ...]:
        """The numbers of a name of the sequence that are not its frame."""
        name = _parse_among(stem, self.places)
        place = self.places[name.texts]
        return name.numbers[:place] + name.numbers[place + 1 :]

    def frame_of(self, stem: str) -> int:
        """Find the frame of another image that belongs to the sequence, such as a keyframe. Raises UnclearFrame.

        In a name like those of the sequence, it is the number at the same place. In another one, it is the only number
        that is neither a version, nor one that the names of the sequence share, nor the number of a scene or shot; or
        the only such number that is a frame of the sequence.
        """
        name = _parse_among(stem, self.places)
        if name.texts in self.places:
            return name.numbers[self.places[name.texts]]
        left = {
            value: value in self.frames
            for label, value in zip(name.labels, name.numbers, strict=True)
            if label not in _VERSIONS | _PLACES and (label, value) not in self.constants
        }
        candidates = list(left) if len(left) == 1 else [value for value, is_inside in left.items() if is_inside]
        if len(candidates) != 1:
            raise UnclearFrame(stem, left or name.numbers)
        return candidates[0]


def _chosen(name: _Name, number: int) -> int:
    place = number - 1 if number > 0 else number + len(name.numbers)
    if number == 0 or not 0 <= place < len(name.numbers):
        raise UnclearFrame(name.stem)
    return place


def _varying(group: Sequence[_Name]) -> int:
    """Return which number is the frame in several names of one form, counted from 0. Raises UnclearFrame."""
    name, columns = group[0], list(zip(*(name.numbers for name in group), strict=True))
    if not columns:
        raise UnclearFrame(name.stem)
    unmarked = [i for i, label in enumerate(name.labels) if label not in _VERSIONS] or list(range(len(columns)))
    varying = [i for i in unmarked if len(set(columns[i])) > 1]
    if not varying:  # only versions vary: the files are of one frame
        return unmarked[-1]
    if len(varying) > 1:
        varying = [i for i in varying if name.labels[i] not in _PLACES] or varying
    if len(varying) > 1:
        varying = [i for i in varying if len(set(columns[i])) == len(group)] or varying
    if len({columns[i] for i in varying}) > 1:
        raise UnclearFrame(name.stem, (name.numbers[i] for i in varying))
    return varying[0]


def describe_gaps(frames: Collection[int]) -> str:
    """Say which numbers are missing between the first and the last of some frames; "" if none is."""
    ordered = sorted(frames)
    groups: list[tuple[int, int]] = [
        (before + 1, after - 1) for before, after in pairwise(ordered) if after > before + 1
    ]
    steps = {after - before for before, after in pairwise(ordered)}
    if len(steps) == 1 and len(ordered) > 2 and groups:
        return f"The numbers of the line art go from {ordered[0]} to {ordered[-1]} in steps of {steps.pop()}."
    several = len(groups) > 1 or (groups and groups[0][0] != groups[0][1])
    return f"The line art has no frame{'s' if several else ''} {_name(groups, 'more gaps')}." if groups else ""


def name_frames(frames: Iterable[int]) -> str:
    """Return frames as words, such as "4, 7 to 9 and 12 to 14"; only the first few if there are many."""
    groups: list[tuple[int, int]] = []
    for frame in sorted(frames):
        if groups and frame == groups[-1][1] + 1:
            groups[-1] = (groups[-1][0], frame)
        else:
            groups.append((frame, frame))
    return _name(groups, "more groups")


def _name(groups: Sequence[tuple[int, int]], more: str) -> str:
    *named, last = [str(first) if first == last else f"{first} to {last}" for first, last in groups[:MOST_NAMED]]
    if len(groups) > MOST_NAMED:
        return f"{', '.join([*named, last])} and {len(groups) - MOST_NAMED} {more}"
    return f"{', '.join(named)} and {last}" if named else last
