# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of one video: compressed windows, frames that wait to be compressed, and the limit on both."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch.nn import functional as F

from .beacon import KeyValueCache
from .compression import MAX_SEGMENT, MIN_WINDOWS, feature_changes, kept_windows, segment_length

Ratio = int | Literal["dynamic"]
"""The number of visual tokens that share a beacon. "dynamic": as many as a segment has frames (§3.2.2)."""


@dataclass
class VideoMemory:
    """What Video-XL remembers of a video. It does not depend on how the frames were grouped when they were added.

    tokens: [N, hidden], visual tokens that wait for their window to fill; features: [F, width], CLIP's features of the
        waiting frames, if the ratio is dynamic.
    cache: the prompt, then beacons; windows: the number of beacons of each remembered window, oldest first.
    """

    ratio: Ratio
    tokens: torch.Tensor
    features: torch.Tensor | None = None
    cache: KeyValueCache = field(default_factory=KeyValueCache)
    windows: list[int] = field(default_factory=list)

    def copy(self) -> "VideoMemory":
        """Return a memory that can grow without changing this one. The tensors are shared."""
        return replace(self, cache=self.cache.copy(), windows=list(self.windows))

    def add(self, tokens: torch.Tensor, features: torch.Tensor | None) -> None:
        """Add waiting tokens [N, hidden], and for the dynamic ratio the CLIP features [F, width] of their F frames.

        Raises ValueError if they do not fit the memory.
        """
        hidden = self.tokens.shape[1]
        if tokens.ndim != 2 or tokens.shape[1] != hidden:
            raise ValueError(f"Visual tokens are [N, {hidden}], as encode_frames returns them, not {[*tokens.shape]}.")
        if self.ratio == "dynamic":
            self._add_features(len(tokens), features)
        elif len(tokens) % self.ratio:
            raise ValueError(
                f"{len(tokens)} tokens cannot be compressed {self.ratio} to one: append a multiple of {self.ratio}, "
                "such as whole frames where the ratio divides a frame's tokens."
            )
        self.tokens = torch.cat([self.tokens, tokens])

    def _add_features(self, tokens: int, features: torch.Tensor | None) -> None:
        if features is None or not len(features):
            raise ValueError('ratio="dynamic" is chosen by CLIP features: use append_frames, or give `features` too.')
        each = tokens / len(features)
        expected = each if self.features is None else len(self.tokens) / len(self.features)
        if not each or each % 2 or each != expected:
            raise ValueError(
                f"{tokens} tokens do not fit {len(features)} rows of features: give one row for each frame, and for "
                "every frame the same, even number of tokens."
            )
        self.features = features if self.features is None else torch.cat([self.features, features])

    def take_window(self, window: int, threshold: float, finish: bool) -> tuple[torch.Tensor, int] | None:
        """Take the next window from the waiting tokens: its tokens [N, hidden], and how many of them share a beacon.

        window: number of tokens in a window; threshold: of `segment_length`. With the dynamic ratio, a segment is a
        window, and a single frame at the end is compressed like two. Returns None if too few tokens wait; with
        `finish`, only if none wait.
        """
        if self.ratio == "dynamic":
            features = self.features
            if features is None or (len(features) < MAX_SEGMENT and not finish):
                return None
            frames = segment_length(feature_changes(features[:MAX_SEGMENT]), threshold)
            count, ratio = len(self.tokens) // len(features) * frames, max(frames, 2)
            self.features = features[frames:] if frames < len(features) else None
        else:
            count, ratio = min(window, len(self.tokens)) if finish else window, self.ratio
        if not count or len(self.tokens) < count:
            return None
        taken, self.tokens = self.tokens[:count], self.tokens[count:]
        return taken, ratio

    def close_window(self, beacons: int, limit: int) -> None:
        """Record a new window with this number of beacons, which the cache already has, and forget windows above
        `limit` beacons (`kept_windows`).

        Raises ValueError if the limit is too small for that.
        """
        if limit < MIN_WINDOWS * beacons:
            raise ValueError(
                f"beacon_limit is {limit}, but a window has {beacons} beacons: allow {MIN_WINDOWS * beacons} or more."
            )
        self.windows.append(beacons)
        if sum(self.windows) > limit:
            kept = kept_windows(len(self.windows))
            window_of = torch.arange(len(self.windows)).repeat_interleave(torch.tensor(self.windows))
            rows = torch.isin(window_of, torch.tensor(kept))
            self.cache.keep(F.pad(rows, (len(self.cache) - len(rows), 0), value=True))  # the prompt stays
            self.windows = [self.windows[index] for index in kept]
