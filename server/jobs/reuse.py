# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of what determines the frames of a job and of its segments. Jobs and segments with equal digests are colored
only once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from server.coloring.model_fingerprint import model_fingerprint
from server.presets.preset import find_preset
from shared.digests import address_of
from shared.manifest import ShotManifest

if TYPE_CHECKING:
    from server.coloring.shot_coloring import ShotColoring


def job_fingerprint(manifest: ShotManifest) -> str:
    """Return a digest of everything that determines a job's colored drawings, without name and priority, and without
    timing unless the preset repeats held drawings."""
    corrections = [keyframe.correction for keyframe in manifest.keyframes]
    own = [sorted(manifest.palette)] if manifest.palette else []  # without it, as before there were such palettes
    return _digest(_settings(manifest), manifest.drawings, _keyframes(manifest), corrections, *own)


def segment_keys(coloring: ShotColoring, manifest: ShotManifest) -> list[str]:
    """Return for each segment of an opened job a digest of everything that determines it.

    A segment depends on its drawings, the keyframes from which its colors come, the facts that the coloring found in
    all keyframes together up to those of its own correction, and, through memory, on every earlier segment. Each key
    therefore includes the one before.
    """
    keyframes = _keyframes(manifest)
    fingerprints, correction = coloring.fingerprints, 0
    key = _digest(_settings(manifest), fingerprints[correction])
    keys = []
    for number, segment in enumerate(coloring.segments):
        if segment.correction != correction:
            correction = segment.correction
            key = _digest(key, fingerprints[correction])
        evidence = coloring.evidence(number)
        looked_at = [manifest.drawings[drawing] for drawing in (*evidence, *segment.sequence, *segment.local)]
        place = (len(segment.sequence), segment.first, len(segment.drawings))
        back = None if segment.follows is None else number - segment.follows
        # Its seed is derived from its first drawing's number.
        key = _digest(key, looked_at, [keyframes[keyframe] for keyframe in evidence], place, back, segment.drawings[0])
        keys.append(key)
    return keys


def _settings(manifest: ShotManifest) -> tuple[Any, ...]:
    how = (manifest.prompt, manifest.seed, manifest.finish, manifest.quality, manifest.background)
    preset = find_preset(manifest.preset)
    holds = manifest.exposure.holds if preset.repeats_holds else ()
    seen = (list(manifest.sheets), list(manifest.traces), manifest.trace_fill, manifest.gap, manifest.smallest_region)
    return (model_fingerprint(preset), holds, manifest.width, manifest.height, *how, *seen)


def _keyframes(manifest: ShotManifest) -> dict[int, str]:
    """Return the painted images by the drawing they paint, in the order of work."""
    return {manifest.exposure.drawing_at(keyframe.frame): keyframe.blob for keyframe in manifest.keyframes}


def _digest(*parts: Any) -> str:
    return address_of(json.dumps(parts).encode())
