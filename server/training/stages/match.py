# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `match`: the piece matcher learns to find the pieces of drawings in keyframes, and in drawings whose entries it
has matched itself. The paper has no such module."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import send_to_device
from torch.nn import functional as F
from torch.utils.data import DataLoader

from server.coloring.code_colors import code_colors
from server.coloring.palette import recolor
from server.coloring.piece_matching import (
    FINISHED,
    KEYFRAME,
    MULTIPLE,
    DrawnPieces,
    Evidence,
    PieceMatcher,
    Tokens,
    entry_codes,
    gap_class,
    join_evidence,
)

from ..sample_grid import lines_to_images, sample_grid
from ..samples import SHOWN
from ..stage import Settings, train_stage
from ..stories import Story, StoryShape, StoryStream, choose_window, collate_windows, draw_story

MEMORY_SHARE = 0.2
"""Share of batches in which drawings also see each other, with the entries that were matched before."""
SEEN = 0.7
"""In these, the share of the other drawings that a drawing sees."""
STILL_WEIGHT = 0.3
"""Weight of a piece whose entry the keyframe has at the same position."""
AREA_POWER = 0.4
"""A piece counts by this power of its area: large ones are easy, and small ones are many."""
PURE = 0.7
"""Pieces with a smaller share of pixels in one entry are not asked for."""
MIDDLE_WEIGHT = 0.4
"""Weight of the loss of the layer in the middle."""
LEAST_CHANCE = 1e-5


class _Batch:
    """A batch of `collate_windows`: B windows of K keyframes and T targets."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.drawn: DrawnPieces = values["drawn"]
        self.windows = len(values["count"])
        self.labels = int(values["count"].max())
        self._keyframes = int(values["keyframes"])
        self.times, self.entries, self.purity, self.still, self.areas = (
            self.divide(part)
            for part in (*(values[name] for name in ("times", "entries", "purity", "still")), self.drawn.areas)
        )

    def divide(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Divide values [D, …] into those of the keyframes [B, K, …] and of the targets [B, T, …]."""
        parts = values.unflatten(0, (self.windows, -1))
        return parts[:, : self._keyframes], parts[:, self._keyframes :]


@dataclass(frozen=True)
class Matched:
    """The probabilities of the entries and of "unseen" [B T, N, C + 1], by layer: the middle, the last. before: those
    of the first sweep, or None if there was one sweep."""

    layers: list[torch.Tensor]
    before: torch.Tensor | None

    @property
    def chances(self) -> torch.Tensor:
        """The result."""
        return self.layers[-1]


def match_windows(
    matcher: PieceMatcher,
    values: dict[str, Any],
    memory: bool,
    seen: float = 1,
    draw_codes: Callable[[int], torch.Tensor] = entry_codes,
) -> Matched:
    """Match the targets of a batch of windows. memory: in a second sweep, each target also sees a share `seen` of the
    others, as they were matched in the first. draw_codes: gives the codes of a window's entries.
    """
    batch = _Batch(values)
    divided = [batch.divide(part) for part in matcher.encode(batch.drawn)]
    painted, targets = (Tokens(*(part[side].flatten(0, 1) for part in divided)) for side in (0, 1))
    times, own_times = batch.times
    windows, shown = own_times.shape
    device = own_times.device
    codes = torch.stack([draw_codes(batch.labels) for _ in range(windows)]).to(device)
    certain = F.one_hot(batch.entries[0].flatten(0, 1), batch.labels) * (painted.areas > 0)[..., None].float()
    keyframes = _read(matcher, painted, certain, codes, KEYFRAME)
    known = _share(keyframes, own_times, times, torch.ones(windows, shown, times.shape[1], device=device) > 0)
    middle = len(matcher.blocks) // 2
    if not memory:
        return Matched(matcher.find(targets, known, (middle, -1)), None)
    with torch.no_grad():
        before = matcher.find(targets, known)[-1]
    finished = _read(matcher, targets, before[..., :-1], codes, FINISHED)
    others = torch.rand(windows, shown, shown, device=device) < seen
    others &= ~torch.eye(shown, dtype=torch.bool, device=device)
    both = join_evidence([known, _share(finished, own_times, own_times, others)])
    return Matched(matcher.find(targets, both, (middle, -1)), before)


def _read(matcher: PieceMatcher, tokens: Tokens, chances: torch.Tensor, codes: torch.Tensor, role: int) -> Evidence:
    """Read colored drawings [B X]; the evidence has these drawings as its first dimension, and no gaps."""
    confidence = chances.amax(dim=-1)
    entries = chances / chances.sum(dim=-1, keepdim=True).clamp(min=1e-6)
    mean = entries @ codes.repeat_interleave(len(entries) // len(codes), 0)
    layers, features = matcher.read(tokens, mean, confidence, role)
    gaps = torch.zeros_like(tokens.areas, dtype=torch.long)
    return Evidence(layers, features, entries, tokens.areas, tokens.centers, gaps)


def _share(evidence: Evidence, times: torch.Tensor, at: torch.Tensor, shown: torch.Tensor) -> Evidence:
    """Show the drawings [B X] of each window to its T targets: evidence [B T, X N].

    times: of the targets [B, T]; at: of the evidence [B, X]; shown: bool [B, T, X], which drawings a target sees.
    """
    windows, targets = times.shape
    pieces = evidence.areas.shape[1]

    def join(part: torch.Tensor) -> torch.Tensor:
        return part.unflatten(0, (windows, -1)).flatten(1, 2).repeat_interleave(targets, 0)

    def join_heads(part: torch.Tensor) -> torch.Tensor:
        return part.unflatten(0, (windows, -1)).transpose(1, 2).flatten(2, 3).repeat_interleave(targets, 0)

    gaps = torch.where((times[:, :, None] < 0) | (at[:, None] < 0), -1, (times[:, :, None] - at[:, None]).abs())
    return Evidence(
        [(join_heads(key), join_heads(value)) for key, value in evidence.layers],
        join(evidence.features),
        join(evidence.entries),
        join(evidence.areas) * shown.flatten(0, 1).repeat_interleave(pieces, 1),
        join(evidence.centers),
        gap_class(gaps).flatten(0, 1).repeat_interleave(pieces, 1),
    )


def true_entries(values: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the true entry of each piece of the targets [B T, N], or `count` if no keyframe shows it; and the weight
    [B T, N] of each piece in the loss, which adds up to 1 in each drawing."""
    batch = _Batch(values)
    painted, wanted = batch.entries
    shown = torch.zeros(batch.windows, batch.labels, dtype=torch.bool, device=wanted.device)
    shown = shown.scatter_reduce(1, painted.flatten(1), batch.areas[0].flatten(1) > 0, "amax")
    known = shown.gather(1, wanted.flatten(1)).view_as(wanted)
    weight = batch.areas[1] ** AREA_POWER * torch.where(batch.still[1], STILL_WEIGHT, 1.0)
    weight = weight * (batch.purity[1] > PURE)
    truth = torch.where(known, wanted, batch.labels)
    return truth.flatten(0, 1), (weight / weight.sum(dim=2, keepdim=True).clamp(min=1e-6)).flatten(0, 1)


class MatchStage:
    """The piece matcher and its loss."""

    def __init__(self, folder: Path, shape: StoryShape) -> None:
        if shape.height % (2 * MULTIPLE) or shape.width % (2 * MULTIPLE):  # one and a half times this size must fit too
            raise ValueError(
                f"--size {shape.width}x{shape.height} does not fit the piece matcher: use multiples of {2 * MULTIPLE}."
            )
        matcher = PieceMatcher.from_pretrained(folder) if folder.is_dir() else PieceMatcher()
        self.matcher = matcher.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.shape = shape
        self.modules = {"piece_matcher": self.matcher}
        self.measures: dict[str, float] = {"moved": 0.0}

    def to(self, device: torch.device) -> None:
        """See `Stage`: there is nothing that is not trained."""

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """See `Stage`."""
        ahead = 4 if settings.workers else None
        stream = StoryStream(self.shape, settings.batch, first)
        return iter(DataLoader(stream, None, num_workers=settings.workers, prefetch_factor=ahead))

    def loss(self, batch: dict) -> torch.Tensor:
        """Return the mean cross-entropy of the pieces' entries."""
        matched = match_windows(self.matcher, batch, bool(torch.rand(()) < MEMORY_SHARE), SEEN)
        truth, weight = true_entries(batch)
        losses = [
            -(chances.gather(2, truth[..., None])[..., 0].clamp(min=LEAST_CHANCE).log() * weight).sum(dim=1).mean()
            for chances in matched.layers
        ]
        self._measure(batch, matched.chances, truth, weight)
        return losses[-1] + MIDDLE_WEIGHT * losses[0]

    @torch.no_grad()
    def _measure(self, batch: dict, chances: torch.Tensor, truth: torch.Tensor, weight: torch.Tensor) -> None:
        """Note the share of the area of moved pieces that a keyframe shows and that is right."""
        parts = _Batch(batch)
        areas, still = parts.areas[1].flatten(0, 1), parts.still[1].flatten(0, 1)
        asked = areas * ~still * (weight > 0) * (truth < parts.labels)
        right = asked * (chances[..., :-1].argmax(dim=2) == truth)
        self.measures["moved"] = (right.sum() / asked.sum().clamp(min=1e-9)).item()

    def picture(self) -> np.ndarray:
        """Return line art, the entries that are matched to each drawing from one keyframe, and the truth."""
        groups = []
        for story in _shown_stories(self.shape, 3):
            window, count = choose_window(story, 1, np.random.default_rng(0))
            values = send_to_device(collate_windows([(window, count)], 1), self.matcher.device)
            found = match_windows(self.matcher, values, memory=True).chances[..., :-1].argmax(dim=2).cpu().numpy()
            keyframe, *targets = window
            entries = [keyframe.labels]
            for drawing, labels in zip(targets, found, strict=True):
                pieces = drawing.pieces.labels
                entries.append(np.where(pieces < 0, drawing.labels, labels[pieces]))
            colors = code_colors(count, np.random.default_rng(0))
            rows = (recolor(np.stack(row), colors) for row in (entries, [drawing.labels for drawing in window]))
            line_art = torch.from_numpy(np.stack([drawing.line_art for drawing in window]))
            groups.append([lines_to_images(line_art), *rows])
        return sample_grid(groups)


def _shown_stories(shape: StoryShape, count: int) -> list[Story]:
    """Return stories that are the same every time, for pictures."""
    stories: list[Story] = []
    seed = SHOWN
    while len(stories) < count:
        story = draw_story(seed, shape, augment=False)
        stories += [story] if story else []
        seed += 1
    return stories


def train_match(folder: Path, shape: StoryShape, settings: Settings) -> None:
    """Train the stage and write the averaged weights to `folder`/piece_matcher. It starts from the weights there, if
    any."""
    train_stage("match", folder, MatchStage(folder / "piece_matcher", shape), settings)
