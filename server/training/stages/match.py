# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `match`: the line matcher learns to find the palette entries of drawings in keyframes, and in drawings whose
entries it has matched itself. The paper has no such module."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import send_to_device
from torch.utils.data import DataLoader

from server.coloring.code_colors import code_colors
from server.coloring.line_art.regions import LINE_BELOW
from server.coloring.matching import (
    KEYFRAME,
    MULTIPLE,
    STRIDE,
    Asked,
    Features,
    LabeledDescriptors,
    LineMatcher,
    match,
    pool_descriptors,
    pool_labels,
)
from server.coloring.palette import recolor

from ..sample_grid import lines_to_images, sample_grid
from ..samples import SHOWN
from ..stage import Settings, train_stage
from ..stories import Story, StoryShape, StoryStream, choose_window, collate_windows, draw_story

ROLES = 4
"""Roles of colored drawings that the stage trains, see `LineMatcher`."""
MEMORY_SHARE = 0.4
"""Share of windows in which drawings also see each other, with the entries that were matched before."""
SEEN = 0.7
"""In these, the share of the other drawings that a drawing sees."""
QUERIES = 512
"""The number of queried features per drawing. They are random, and more frequent where something moved or an area is
small."""
AREA_POWER = 0.45
"""An area is queried as often as this power of its size: large ones are easy, and small ones are many."""
MIN_SHARE = 0.5
"""A feature can be queried if at least this share of its pixels has one color."""
STILL_WEIGHT = 0.3
"""Weight of a query whose color the first keyframe has at the same position."""


class MatchStage:
    """The line matcher and its loss.

    blocks: of its transformer. Weights in `folder` that have fewer are given more, see `grow`.
    """

    def __init__(self, folder: Path, shape: StoryShape, blocks: int | None = None) -> None:
        if shape.height % (2 * MULTIPLE) or shape.width % (2 * MULTIPLE):  # one and a half times this size must fit too
            raise ValueError(
                f"--size {shape.width}x{shape.height} does not fit the line matcher: use multiples of {2 * MULTIPLE}."
            )
        if folder.is_dir():
            matcher = LineMatcher.from_pretrained(folder)
            matcher = matcher if blocks is None else grow(matcher, blocks)
        else:
            matcher = LineMatcher() if blocks is None else LineMatcher(layers=blocks)
        self.matcher = matcher.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.shape = shape
        self.modules = {"line_matcher": self.matcher}
        self.measures: dict[str, float] = {"moved": 0.0}

    def to(self, device: torch.device) -> None:
        """See `Stage`: there is nothing that is not trained."""

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """See `Stage`."""
        ahead = 4 if settings.workers else None
        stream = StoryStream(self.shape, settings.batch, first)
        return iter(DataLoader(stream, None, num_workers=settings.workers, prefetch_factor=ahead))

    def loss(self, batch: dict) -> torch.Tensor:
        """Return the mean cross-entropy of the queries' palette entries."""
        keyframes = int(batch["keyframes"])
        features = self.matcher(1 - batch["line_art"] / 255, batch["areas"], keyframes)
        losses, right = [], []
        with torch.autocast(batch["labels"].device.type, enabled=False):
            for index in range(len(batch["line_art"])):
                values = {name: batch[name][index] for name in _NAMES}
                window = _Window(self.matcher, features[index], values, keyframes)
                for loss, share in window.losses(memory=bool(torch.rand(()) < MEMORY_SHARE)):
                    losses.append(loss)
                    right.append(share)
        self.measures["moved"] = float(torch.stack(right).nanmean()) if right else 0.0
        return torch.stack(losses).mean() if losses else features.descriptors.sum() * 0

    @torch.no_grad()
    def picture(self) -> np.ndarray:
        """Return line art, the entries that are matched to each drawing from one keyframe, and the truth."""
        groups = []
        for story in _shown_stories(self.shape, 3):
            window = choose_window(story, 1, np.random.default_rng(0))
            values = send_to_device(collate_windows([window], 1), self.matcher.device)
            features = self.matcher(1 - values["line_art"] / 255, values["areas"])
            parts = _Window(self.matcher, features[0], {name: values[name][0] for name in _NAMES}, 1)
            found = [parts.votes(index, parts.known).argmax(dim=-1) for index in range(1, len(window))]
            entries = [window[0].labels]
            entries += [part.repeat_interleave(STRIDE, 0).repeat_interleave(STRIDE, 1).cpu().numpy() for part in found]
            labels = np.stack([drawing.labels for drawing in window])
            colors = code_colors(parts.count, np.random.default_rng(0))
            rows = (recolor(row, colors) for row in (np.stack(entries), labels))
            groups.append([lines_to_images(values["line_art"][0].cpu()), *rows])
        return sample_grid(groups)


def grow(matcher: LineMatcher, blocks: int, roles: int = ROLES) -> LineMatcher:
    """Return a matcher with at least `blocks` blocks and `roles` roles, which gives the same features at first. Roles
    that are added begin as the last one."""
    config = dict(matcher.config)
    config |= {"layers": max(blocks, config["layers"]), "roles": max(roles, config["roles"])}
    grown = LineMatcher.from_config(config)
    state = grown.state_dict()
    for name, weight in matcher.state_dict().items():
        if name in ("log_scale", "log_reach", "bias"):
            weight = torch.cat([weight, weight[-1:].expand(config["roles"] - len(weight))])
        state[name] = weight
    grown.load_state_dict(state)
    return grown


_NAMES = "line_art", "labels", "areas", "times"


class _Window:
    """Keyframes and targets that the matcher saw together; features [D, h, w]."""

    def __init__(
        self, matcher: LineMatcher, features: Features, values: dict[str, torch.Tensor], keyframes: int
    ) -> None:
        self.matcher = matcher
        self.features = features.unbind()
        self.areas, self.times = values["areas"], values["times"].tolist()
        self.count = int(values["labels"].max()) + 1
        paper = values["line_art"] >= LINE_BELOW
        self.pooled = [pool_labels(*drawing, self.count) for drawing in zip(values["labels"], paper, strict=True)]
        self.keyframes = keyframes
        self.targets = range(keyframes, len(self.features))
        self.known = [pool_descriptors(self.features[i], *self.pooled[i], KEYFRAME) for i in range(keyframes)]
        self.is_shown = torch.zeros(self.count, dtype=torch.bool, device=self.areas.device)
        for labeled in self.known:
            self.is_shown[labeled.entries] = True

    def losses(self, memory: bool) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return each target's loss, and its share of moved queries that are right. memory: targets see each other, as
        they were matched with the keyframes alone."""
        matched = {target: self._matched(target) for target in self.targets} if memory else {}
        results = []
        for target in self.targets:
            evidence = [*self.known]
            for other, (entries, confidence) in matched.items():
                if other != target and torch.rand(()) < SEEN:
                    role = self.matcher.role_of(abs(self.times[target] - self.times[other]))
                    share = self.pooled[other][1]
                    evidence.append(pool_descriptors(self.features[other], entries, share, role, confidence))
            result = self._query(target, evidence)
            results += [] if result is None else [result]
        return results

    def votes(self, target: int, evidence: Sequence[LabeledDescriptors]) -> torch.Tensor:
        """Return the votes [h, w, count] for a target."""
        features = self.features[target]
        votes = match(self.matcher, [Asked(features.flatten(), evidence)], self.count)
        return votes.unflatten(0, features.sharpness.shape)

    @torch.no_grad()
    def _matched(self, target: int) -> tuple[torch.Tensor, torch.Tensor]:
        confidence, entries = self.votes(target, self.known).max(dim=-1)
        return entries, confidence

    def _query(self, target: int, evidence: list[LabeledDescriptors]) -> tuple[torch.Tensor, torch.Tensor] | None:
        entries, share = self.pooled[target]
        is_still = entries == self.pooled[0][0]
        size = torch.bincount(self.areas[target].flatten())[self.areas[target]]
        weight = (share > MIN_SHARE) * self.is_shown[entries] * size ** (AREA_POWER - 1)
        weight = (weight * torch.where(is_still, STILL_WEIGHT, 1.0)).flatten()
        if not weight.any():
            return None
        asked = torch.multinomial(weight, QUERIES, replacement=True)
        queries = self.features[target].flatten()[asked]
        votes = match(self.matcher, [Asked(queries, evidence)], self.count)
        truth = entries.flatten()[asked]
        right = votes.gather(1, truth[:, None])[:, 0].clamp(min=1e-6)
        moved = ~is_still.flatten()[asked]
        return -right.log().mean(), (votes.argmax(dim=1) == truth)[moved].float().mean()


def _shown_stories(shape: StoryShape, count: int) -> list[Story]:
    """Return stories that are the same every time, for pictures."""
    stories: list[Story] = []
    seed = SHOWN
    while len(stories) < count:
        story = draw_story(seed, shape, augment=False)
        stories += [story] if story else []
        seed += 1
    return stories


def train_match(folder: Path, shape: StoryShape, settings: Settings, blocks: int | None = None) -> None:
    """Train the stage and write the averaged weights to `folder`/line_matcher. It starts from the weights there, if
    any. blocks: see `MatchStage`."""
    train_stage("match", folder, MatchStage(folder / "line_matcher", shape, blocks), settings)
