# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `settle`: the settler learns to correct the line matcher's votes. The paper has no such module."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from server.coloring.code_colors import code_colors
from server.coloring.matching import STRIDE, LineMatcher, Parts, Settler, settle
from server.coloring.palette import recolor

from ..matched_shots import MatchedShot, MatchedShots, match_shot
from ..sample_grid import sample_grid
from ..samples import SHOWN
from ..stage import Settings, train_stage

FEWEST_DRAWINGS = 3
"""A sample has at least so many drawings of its shot."""
SHARPNESS, JITTER = 0.25, 0.02
"""How much votes are sharpened or softened, and places are moved, so that the settler does not rely on either."""


class SettleStage:
    """The settler and its loss. Weights in `folder`/settler are continued."""

    def __init__(self, folder: Path, matcher: Path, sources: Path | None) -> None:
        self.matcher, self.sources = matcher, sources
        self.shots = folder / "settle-run" / "shots"
        weights = folder / "settler"
        self.settler = (Settler.from_pretrained(weights) if weights.is_dir() else Settler()).train()
        self.modules = {"settler": self.settler}
        self.measures = {"before": 0.0, "right": 0.0}

    def to(self, device: torch.device) -> None:
        """See `Stage`: there is nothing that is not trained."""

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """See `Stage`."""
        stream = MatchedShots(self.shots, self.matcher, self.sources, settings.batch, first)
        return iter(DataLoader(stream, None, num_workers=settings.workers))

    def loss(self, batch: dict) -> torch.Tensor:
        """Return the mean cross-entropy of the parts' entries. A part counts as the square root of its size."""
        device = self.settler.device
        losses: list[torch.Tensor] = []
        before: list[torch.Tensor] = []
        right: list[torch.Tensor] = []
        for path in batch["shots"]:
            shot = _varied(MatchedShot.load(path), np.random.default_rng(int(torch.randint(2**31, ()))))
            drawings = [_on(parts, device) for parts in shot.drawings]
            others = drawings[shot.keyframes :]
            logits = self.settler(drawings, shot.keyframes, shot.times.to(device).float())
            logits = logits[-sum(len(parts.mass) for parts in others) :].float()
            truth = torch.cat(shot.truth).to(device)
            known = truth.sum(dim=1)
            weight = torch.cat([parts.mass for parts in others]).sqrt() * known
            answer = truth.argmax(dim=1)
            votes = torch.cat([parts.votes for parts in others])
            loss = -(truth * logits.log_softmax(dim=1)).sum(dim=1) / known.clamp(min=1e-6)
            losses.append((weight * loss).sum() / weight.sum().clamp(min=1e-6))
            for found, shares in ((votes, before), (logits, right)):
                shares.append((weight * (found.argmax(dim=1) == answer)).sum() / weight.sum().clamp(min=1e-6))
        self.measures |= {"before": float(torch.stack(before).mean()), "right": float(torch.stack(right).mean())}
        return torch.stack(losses).mean()

    @torch.no_grad()
    def picture(self) -> np.ndarray:
        """Return the parts of a shot in code colors: as they were matched, as they are settled, and the truth."""
        matcher = LineMatcher.from_pretrained(self.matcher).eval()
        shot, seed = None, SHOWN
        with torch.autocast("cpu", enabled=False):  # a picture is drawn within the autocast of training
            while shot is None:
                shot, seed = match_shot(seed, matcher, self.sources), seed + 1
        others = shot.drawings[shot.keyframes :]
        device = self.settler.device
        known, asked = ([_on(one, device) for one in part] for part in (shot.drawings[: shot.keyframes], others))
        self.settler.eval()
        changes = settle(self.settler, known, asked, shot.times.tolist())
        self.settler.train()
        settled = [(parts.votes + 0.01).log() + change.cpu() for parts, change in zip(others, changes, strict=True)]
        codes = code_colors(others[0].votes.shape[1], np.random.default_rng(0))
        rows = ([parts.votes for parts in others], settled, shot.truth)
        return sample_grid([[_colored(row, others, codes) for row in rows]])


def train_settle(folder: Path, matcher: Path, sources: Path | None, settings: Settings) -> None:
    """Train the stage and write the averaged weights to `folder`/settler. matcher: the folder of the line matcher whose
    votes are settled. sources: see `sample_clip`."""
    train_stage("settle", folder, SettleStage(folder, matcher, sources), settings)


def _varied(shot: MatchedShot, rng: np.random.Generator) -> MatchedShot:
    """Return some drawings of a shot, mirrored or not, with sharper or softer votes and slightly moved."""
    count = len(shot.truth)
    kept = np.arange(count)
    if rng.random() < 0.6 and count > FEWEST_DRAWINGS:
        kept = np.sort(rng.choice(count, int(rng.integers(FEWEST_DRAWINGS, count + 1)), replace=False))
    power = float(np.exp(rng.normal(0, SHARPNESS)))
    mirrored = rng.random() < 0.5
    indices = [*range(shot.keyframes), *(shot.keyframes + kept).tolist()]
    drawings = []
    for index in indices:
        parts = shot.drawings[index].mirrored() if mirrored else shot.drawings[index]
        votes = parts.votes**power
        noise = torch.from_numpy(rng.normal(0, JITTER, parts.geometry.shape).astype(np.float32))
        drawings.append(replace(parts, votes=votes / votes.sum(dim=1, keepdim=True), geometry=parts.geometry + noise))
    return MatchedShot(drawings, shot.keyframes, shot.times[indices], [shot.truth[index] for index in kept])


def _on(parts: Parts, device: torch.device) -> Parts:
    return Parts(**{name: value.to(device) for name, value in vars(parts).items()})


def _colored(scores: list[torch.Tensor], drawings: list[Parts], codes: np.ndarray) -> np.ndarray:
    """Return drawings whose parts have the entries with the highest scores [P, N], RGB uint8 [T, H, W, 3]."""
    pictures = []
    for score, parts in zip(scores, drawings, strict=True):
        entries = score.argmax(dim=1)[parts.part_of.clamp(min=0)].numpy()
        picture = np.where(parts.part_of.numpy()[..., None] >= 0, recolor(entries, codes), np.uint8(0))
        pictures.append(picture.repeat(STRIDE, 0).repeat(STRIDE, 1))
    return np.stack(pictures)
