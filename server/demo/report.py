# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the demonstration: report.json and contact_sheet.png."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from server.coloring.numbered_files import frame_files
from server.evaluation.clip import read_clip, read_pictures
from server.evaluation.comparison import as_report, compare
from server.evaluation.contact_sheet import contact_sheet, spread
from server.images.codec import read_painted

COLUMNS = 8


def write_report(output: Path, stages: dict[str, float], versions: dict[str, str]) -> dict[str, Any]:
    """Compare the colored frames of `output` with the scene's true colors and write the results.

    Reads output/{lineart,truth,colored,keyframes}/NNNN.png; the baselines start at the first keyframe. stages: seconds
    per stage; versions: versions of the programs used. Writes report.json and contact_sheet.png into `output` and
    returns the report. Raises FolderError or ImageError if a picture is missing or cannot be used.
    """
    clip = read_clip(output / "lineart", output / "truth")
    ours = read_pictures(frame_files(output / "colored"), clip.exposure, clip.drawings[0].shape)
    key_frame, key_path = next(iter(frame_files(output / "keyframes").items()))
    at = clip.drawing_at(key_frame)
    errors = compare(clip.drawings, clip.truth, ours, read_painted(key_path), at, clip.holds)
    report: dict[str, Any] = {
        "frames": len(clip.numbers),
        "distinct_drawings": len(clip.drawings),
        "keyframe": key_frame,
        "seconds": {stage: round(seconds, 2) for stage, seconds in stages.items()},
        "versions": versions,
        **as_report(errors),
    }
    (output / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    chosen = spread(len(clip.drawings), COLUMNS, keep=[at])
    contact_sheet(
        {
            "line art": [clip.drawings[index] for index in chosen],
            "ours": [ours[index] for index in chosen],
            "truth": [clip.truth[index] for index in chosen],
        },
        output / "contact_sheet.png",
        [f"frame {clip.numbers[clip.first_place_of(index)]}" for index in chosen],
        marked=[chosen.index(at)],
    )
    return report
