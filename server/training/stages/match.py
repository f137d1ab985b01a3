# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `match`: the line matcher learns to copy palette entries from a reference, and from drawings that are already
colored, to the next ones. The paper has no such module."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import default_collate

from server.coloring.code_colors import code_colors
from server.coloring.line_art.regions import LINE_BELOW
from server.coloring.matching import (
    FINISHED,
    MULTIPLE,
    REFERENCE,
    STRIDE,
    Features,
    LabeledDescriptors,
    LineMatcher,
    find_areas,
    match,
    pool_descriptors,
    pool_labels,
)
from server.coloring.palette import recolor

from ..clips import sample_clip
from ..sample_grid import lines_to_images, sample_grid
from ..samples import sample_batches, shown_batch
from ..stage import Settings, train_stage

CLIP_DRAWINGS = 60
QUERIES = 512
"""The number of queried features per drawing. They are random, and more frequent where something moved or a color is
rare."""
MIN_SHARE = 0.5
"""A feature can be queried if at least this share of its pixels has one color."""
STILL_WEIGHT = 0.3
"""Weight of a query whose color the reference has at the same position."""
SCALES = ((1, 1), (1, 2), (1.5, 1.5), (1.5, 2), (2, 2))
"""Sizes of windows, and of the drawings that they are cut from, as multiples of a shape. All windows of a batch have
the same pair. At inference, the matcher sees whole drawings of twice the usual size."""
OWN_SHARE, WITHOUT_REFERENCE, REFERENCE_ONLY = 0.5, 0.15, 0.3
"""Shares of drawings that are labeled with the matcher's own answers, of queries without the reference, and of queries
to the reference alone."""


@dataclass(frozen=True)
class WindowShape:
    """A reference and the `drawings` of a run, in pixels; sources: see `sample_clip`."""

    drawings: int
    height: int
    width: int
    sources: Path | None = None


def draw_windows(seed: int, shape: WindowShape, count: int) -> dict[str, torch.Tensor]:
    """Draw a batch of windows: `count` of the shape's size, or fewer larger ones. See `SCALES`."""
    scale, whole = SCALES[np.random.default_rng(seed).integers(len(SCALES))]
    fewer = max(1, int(count / scale**2.5))  # attention grows faster than the area
    return default_collate([draw_window(seed * count + index, shape, scale, whole) for index in range(fewer)])


def draw_window(seed: int, shape: WindowShape, scale: float = 1, whole: float = 1) -> dict[str, np.ndarray]:
    """Draw a reference, from near or far in the clip, and a run of drawings.

    scale, whole: size of the window, and of the drawings that it is cut from, as multiples of the shape.
    Returns `line_art` and `labels` uint8 [1 + T, H, W] and `areas` int64 [1 + T, H/4, W/4].
    """
    rng = np.random.default_rng(seed)
    step = int(rng.choice([1, 1, 1, 2, 3]))
    start = int(rng.integers(0, CLIP_DRAWINGS - step * (shape.drawings - 1)))
    run = [start + step * index for index in range(shape.drawings)]
    if rng.random() < 0.5:
        run.reverse()
    reference = int(rng.integers(0, CLIP_DRAWINGS))
    if rng.random() < 0.4:
        reference = int(np.clip(run[0] + rng.integers(-5, 6), 0, CLIP_DRAWINGS - 1))
    height, width = (round(scale * side) for side in (shape.height, shape.width))
    size = round(whole * shape.width), round(whole * shape.height)
    clip = sample_clip(seed, CLIP_DRAWINGS, *size, at=[reference, *run], sources=shape.sources)
    left, top = (int(rng.integers(0, there - side + 1)) for there, side in zip(size, (width, height), strict=True))
    mirror = -1 if rng.random() < 0.5 else 1
    line_art, labels = (
        np.ascontiguousarray(images[:, top : top + height, left : left + width][:, :, ::mirror])
        for images in (clip.line_art, clip.labels)
    )
    labels = np.unique(labels, return_inverse=True)[1]
    return {
        "line_art": line_art,
        "labels": labels.reshape(line_art.shape).astype(np.uint8),
        "areas": np.stack([find_areas(drawing) for drawing in line_art]),
    }


class MatchStage:
    """The line matcher and its loss."""

    def __init__(self, folder: Path, shape: WindowShape) -> None:
        if shape.height % (2 * MULTIPLE) or shape.width % (2 * MULTIPLE):  # one and a half times this size must fit too
            raise ValueError(
                f"--size {shape.width}x{shape.height} does not fit the line matcher: use multiples of {2 * MULTIPLE}."
            )
        matcher = LineMatcher.from_pretrained(folder) if folder.is_dir() else LineMatcher()
        self.matcher = matcher.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.shape = shape
        self.modules = {"line_matcher": self.matcher}
        self.measures: dict[str, float] = {}

    def to(self, device: torch.device) -> None:
        """See `Stage`: there is nothing that is not trained."""

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """See `Stage`."""
        draw = partial(draw_windows, shape=self.shape, count=settings.batch)
        return sample_batches(draw, settings, first, batched=True)

    def loss(self, batch: dict) -> torch.Tensor:
        """Return the mean cross-entropy of the queries' palette entries."""
        features = self.matcher(1 - batch["line_art"] / 255, batch["areas"])
        losses = []
        with torch.autocast(batch["labels"].device.type, enabled=False):
            for index, labels in enumerate(batch["labels"]):
                count = int(labels.max()) + 1
                pooled = _pool(labels, batch["line_art"][index], count)
                losses.append(self._window_loss(features[index].unbind(), pooled, count))
        return torch.stack(losses).mean()

    def _window_loss(
        self, features: list[Features], pooled: list[tuple[torch.Tensor, torch.Tensor]], count: int
    ) -> torch.Tensor:
        """features [h, w] of each drawing, the reference first; pooled: the results of `pool_labels` for them."""
        labeled = [pool_descriptors(features[0], *pooled[0], REFERENCE)]
        losses = []
        for seen, (entries, share) in zip(features[1:], pooled[1:], strict=True):
            asked = share > MIN_SHARE
            queries = seen[asked]
            used = self._choose(labeled)
            losses.append(self._query_loss(queries, used, entries[asked], pooled[0][0][asked], count))
            if torch.rand(()) < OWN_SHARE:
                with torch.no_grad():
                    own = match(self.matcher, queries, used, count).argmax(dim=1)
                entries = entries.clone()
                entries[asked] = own
            labeled.append(pool_descriptors(seen, entries, share * asked, FINISHED))
        return torch.stack(losses).mean()

    @staticmethod
    def _choose(labeled: list[LabeledDescriptors]) -> list[LabeledDescriptors]:
        chance = torch.rand(())
        if chance < WITHOUT_REFERENCE and len(labeled) > 1:
            return labeled[1:]
        if chance > 1 - REFERENCE_ONLY:
            return labeled[:1]
        return labeled

    def _query_loss(
        self,
        queries: Features,
        labeled: list[LabeledDescriptors],
        entries: torch.Tensor,
        reference: torch.Tensor,
        count: int,
    ) -> torch.Tensor:
        present = torch.zeros(count, dtype=torch.bool)
        for drawing in labeled:
            present[drawing.entries] = True
        frequency = torch.bincount(entries, minlength=count).float().clamp(min=1)
        still = torch.where(entries == reference, STILL_WEIGHT, 1.0)
        weight = present[entries] * still / frequency[entries].sqrt()
        if not weight.any():
            return queries.descriptors.sum() * 0
        asked = torch.multinomial(weight, QUERIES, replacement=True)
        votes = match(self.matcher, queries[asked], labeled, count)
        right = votes.gather(1, entries[asked][:, None])
        return -right.clamp(min=1e-6).log().mean()

    def picture(self) -> np.ndarray:
        """Return line art, the colors propagated to each drawing from the reference alone, and the truth."""
        batch = shown_batch(partial(draw_window, shape=self.shape), 3)
        device = self.matcher.device
        features = self.matcher(1 - batch["line_art"].to(device) / 255, batch["areas"].to(device)).cpu()
        groups = []
        for index, (line_art, labels) in enumerate(zip(batch["line_art"], batch["labels"], strict=True)):
            count = int(labels.max()) + 1
            colors = code_colors(count, np.random.default_rng(0))
            labeled = [pool_descriptors(features[index, 0], *_pool(labels, line_art, count)[0], REFERENCE)]
            propagated = [labels[0]]
            for seen in features[index].unbind()[1:]:
                entries = match(self.matcher, seen.flatten(), labeled, count).argmax(dim=1).view(seen.sharpness.shape)
                propagated.append(entries.repeat_interleave(STRIDE, 0).repeat_interleave(STRIDE, 1))
            rows = (recolor(np.stack([np.asarray(drawing) for drawing in row]), colors) for row in (propagated, labels))
            groups.append([lines_to_images(line_art), *rows])
        return sample_grid(groups)


def _pool(labels: torch.Tensor, line_art: torch.Tensor, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the result of `pool_labels` for each of some drawings [T, H, W]."""
    return [pool_labels(*drawing, count) for drawing in zip(labels, line_art >= LINE_BELOW, strict=True)]


def train_match(folder: Path, shape: WindowShape, settings: Settings) -> None:
    """Train the stage and write the averaged weights to `folder`/line_matcher. It starts from the weights there, if
    any."""
    train_stage("match", folder, MatchStage(folder / "line_matcher", shape), settings)
