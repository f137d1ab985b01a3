# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of our result and the baselines with the truth, for one shot."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from server.coloring.line_art.compositing import fill_under_lines
from server.evaluation.baselines import flow, hold
from server.evaluation.metrics import ColorError, color_error, pool


def compare(
    drawings: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    ours: Sequence[np.ndarray],
    keyframe: np.ndarray,
    at: int,
    holds: Sequence[int] | None = None,
) -> dict[str, ColorError]:
    """Measure the color of our result, of the keyframe held and of flow from it, over all drawings but the keyframe's.

    drawings: distinct line drawings uint8 [H, W] in story order; truth, ours: finished frames RGB uint8 [H, W, 3], one
    for each drawing; keyframe: the painting RGB uint8 of drawing number `at`; holds: the number of frames for which
    each drawing is shown, by default one. Returns method → error over the pixels of all frames.
    """
    holds = holds or [1] * len(drawings)
    keyframe_truth = fill_under_lines(drawings[at], truth[at])
    results = {"ours": ours, "hold": hold(drawings, {at: keyframe}), "flow": flow(drawings, {at: keyframe})}
    errors: dict[str, ColorError] = {}
    for method, frames in results.items():
        each: list[ColorError | None] = []
        for index, frame in enumerate(frames):
            if index != at:
                each += [color_error(frame, truth[index], drawings[index], keyframe_truth)] * holds[index]
        errors[method] = pool(each)
    return errors


def as_report(errors: dict[str, ColorError]) -> dict[str, object]:
    """The comparison as JSON values: method → mean_de, within10, within10_moved; moved_share and pixels once."""
    report: dict[str, object] = {}
    for method, error in errors.items():
        values = asdict(error)
        report |= {name: values.pop(name) for name in ("moved_share", "pixels")}
        report[method] = values
    return report
