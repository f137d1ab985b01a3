# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `match`: the line matcher learns to copy palette entries from a reference, and from drawings coloured before,
to the next ones. The paper has no such part."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from server.matching import (
    FINISHED,
    REFERENCE,
    Evidence,
    Features,
    LineMatcher,
    connected_areas,
    gather_evidence,
    match,
    pool_labels,
)
from server.matching.areas import LINE_BELOW

from .run import TrainingRun
from .samples import sample_batches
from .stage import Settings
from .stories import tell_story

STORY_DRAWINGS = 60
QUERIES = 512
"""Features of a drawing that are asked for their colour, at random: where something moved and where a colour is rare
more often."""
LEAST_SHARE = 0.5
"""Features are asked that lie in one colour at least by this share."""
STILL_WEIGHT = 0.3
"""Weight of a query whose colour the reference has at the same place."""
OWN_SHARE, WITHOUT_REFERENCE, REFERENCE_ONLY = 0.5, 0.15, 0.3
"""Shares of drawings that are evidence as the matcher itself coloured them, and of queries to less evidence."""


@dataclass(frozen=True)
class WindowShape:
    """A reference and the `drawings` of a run, in pixels; sources: see `tell_story`."""

    drawings: int
    height: int
    width: int
    sources: Path | None = None


def draw_window(seed: int, shape: WindowShape) -> dict[str, np.ndarray]:
    """Draw a reference, from near or far in the story, and a run of drawings; as a whole, or a part at twice the size.

    Returns `line_art` and `labels` uint8 [1 + T, H, W] and `areas` int64 [1 + T, H/4, W/4].
    """
    rng = np.random.default_rng(seed)
    step = int(rng.choice([1, 1, 1, 2, 3]))
    start = int(rng.integers(0, STORY_DRAWINGS - step * (shape.drawings - 1)))
    run = [start + step * index for index in range(shape.drawings)]
    if rng.random() < 0.5:
        run.reverse()
    reference = int(rng.integers(0, STORY_DRAWINGS))
    if rng.random() < 0.4:
        reference = int(np.clip(run[0] + rng.integers(-5, 6), 0, STORY_DRAWINGS - 1))
    scale = int(rng.choice([1, 2]))
    size = scale * shape.width, scale * shape.height
    story = tell_story(seed, STORY_DRAWINGS, *size, at=[reference, *run], sources=shape.sources)
    top, left = (int(rng.integers(0, (scale - 1) * side + 1)) for side in (shape.height, shape.width))
    mirror = -1 if rng.random() < 0.5 else 1
    line_art, labels = (
        np.ascontiguousarray(images[:, top : top + shape.height, left : left + shape.width][:, :, ::mirror])
        for images in (story.line_art, story.labels)
    )
    labels = np.unique(labels, return_inverse=True)[1]
    return {
        "line_art": line_art,
        "labels": labels.reshape(line_art.shape).astype(np.uint8),
        "areas": np.stack([connected_areas(drawing) for drawing in line_art]),
    }


class MatchStage:
    """The line matcher and its loss."""

    def __init__(self, folder: Path) -> None:
        matcher = LineMatcher.from_pretrained(folder) if folder.is_dir() else LineMatcher()
        self.matcher = matcher.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules = {"line_matcher": self.matcher}

    def loss(self, batch: dict) -> torch.Tensor:
        """Mean cross-entropy of the queries' palette entries."""
        with torch.autocast("cpu", torch.bfloat16):
            features = self.matcher(1 - batch["line_art"] / 255, batch["areas"])
        windows = zip(batch["line_art"], batch["labels"], strict=True)
        return torch.stack([self._window_loss(features[i], *window) for i, window in enumerate(windows)]).mean()

    def _window_loss(self, features: Features, line_art: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """features [1 + T, h, w]; line_art, labels [1 + T, H, W]."""
        count = int(labels.max()) + 1
        pooled = [pool_labels(*drawing, count) for drawing in zip(labels, line_art >= LINE_BELOW, strict=True)]
        evidence = [gather_evidence(features[0], *pooled[0], REFERENCE)]
        losses = []
        for index in range(1, len(labels)):
            entries, share = pooled[index]
            asked = share > LEAST_SHARE
            queries = features[index][asked]
            used = self._choose(evidence)
            losses.append(self._query_loss(queries, used, entries[asked], pooled[0][0][asked], count))
            if torch.rand(()) < OWN_SHARE:
                with torch.no_grad():
                    own = match(self.matcher, queries, used, count).argmax(dim=1)
                entries = entries.clone()
                entries[asked] = own
            evidence.append(gather_evidence(features[index], entries, share * asked, FINISHED))
        return torch.stack(losses).mean()

    @staticmethod
    def _choose(evidence: list[Evidence]) -> list[Evidence]:
        chance = torch.rand(())
        if chance < WITHOUT_REFERENCE and len(evidence) > 1:
            return evidence[1:]
        if chance > 1 - REFERENCE_ONLY:
            return evidence[:1]
        return evidence

    def _query_loss(
        self,
        queries: Features,
        evidence: list[Evidence],
        entries: torch.Tensor,
        reference: torch.Tensor,
        count: int,
    ) -> torch.Tensor:
        present = torch.zeros(count, dtype=torch.bool)
        for drawing in evidence:
            present[drawing.entries] = True
        frequency = torch.bincount(entries, minlength=count).float().clamp(min=1)
        still = torch.where(entries == reference, STILL_WEIGHT, 1.0)
        weight = present[entries] * still / frequency[entries].sqrt()
        if not weight.any():
            return queries.looks.sum() * 0
        asked = torch.multinomial(weight, QUERIES, replacement=True)
        votes = match(self.matcher, queries[asked], evidence, count)
        right = votes.gather(1, entries[asked][:, None])
        return -right.clamp(min=1e-6).log().mean()


def train_match(folder: Path, minutes: float, shape: WindowShape, batch: int, rate: float) -> None:
    """Train the stage and write the averaged weights to `folder`/line_matcher; from there it starts, if they exist."""
    stage = MatchStage(folder / "line_matcher")
    run = TrainingRun(folder / "match-run", stage.modules, rate)
    settings = Settings(minutes, batch=batch, rate=rate)
    run.train(sample_batches(partial(draw_window, shape=shape), settings, run.samples), stage.loss, minutes)
    run.write(folder)
