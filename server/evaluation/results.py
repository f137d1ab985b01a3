# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a clip, and the folder that keeps them, so that an interrupted evaluation can resume."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from server.evaluation.measures import Features, Measures
from server.files import write_file
from shared.digests import address_of


@dataclass(frozen=True)
class Settings:
    """The settings that a clip's results depend on.

    clip, model: stamps of the clip's and of the preset's folder; keyframes: numbers of the painted frames; metrics: the
    metrics that were measured with published weights.
    """

    preset: str
    model: str
    clip: str
    seed: int
    keyframes: tuple[int, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class ClipResult:
    """The measures of all methods on a clip.

    path: the clip's folder as it was given; drawing_of: which drawing each frame shows.
    """

    path: str
    settings: Settings
    drawing_of: tuple[int, ...]
    methods: dict[str, Measures]


ClipFeatures = dict[str, Features]
"""The features that FID and FVD compare, of `truth` and of each method."""

CLIP_RESULT = TypeAdapter(ClipResult)
"""Reads and writes results as JSON."""


def stamp(folder: Path) -> str:
    """A digest of the names, sizes and times of a folder's files. It changes when one of them changes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return address_of("\n".join(lines).encode())


class ResultFolder:
    """A folder of finished clips: `NAME.json` and, if something was measured with a network, `NAME.npz`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def load(self, name: str, settings: Settings) -> tuple[ClipResult, ClipFeatures] | None:
        """Return a clip's result and features if it was finished with these settings, else None."""
        path = self.folder / f"{name}.json"
        try:
            result = CLIP_RESULT.validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        if result.settings != settings:
            return None
        features: ClipFeatures = {side: {} for side in ("truth", *result.methods)}
        if settings.metrics:
            for key, array in np.load(path.with_suffix(".npz"), allow_pickle=False).items():
                method, kind = key.split("/")
                features[method][kind] = array
        return result, features

    def save(self, name: str, result: ClipResult, features: ClipFeatures) -> None:
        """Store a finished clip. Its JSON is written last and atomically, so that a clip with JSON is complete."""
        path = self.folder / f"{name}.json"
        if result.settings.metrics:
            arrays = {f"{method}/{kind}": array for method, kinds in features.items() for kind, array in kinds.items()}
            np.savez_compressed(path.with_suffix(".npz"), allow_pickle=False, **arrays)
        write_file(path, CLIP_RESULT.dump_json(result, indent=1))
