# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole process: a shot from Blender through the server and back, with a better result than simpler methods."""

import json
from pathlib import Path

from PIL import Image
from rich.console import Console

from server.demo.__main__ import run


def test_the_demo_colors_the_shot_better_than_both_baselines(blender: Path, tmp_path: Path) -> None:
    run(tmp_path, blender, Console(stderr=True))

    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["frames"] >= 60 and report["distinct_drawings"] < report["frames"]
    for baseline in ("hold", "flow"):
        for measure in ("within10", "within10_moved"):
            assert report["ours"][measure] > report[baseline][measure], (measure, baseline)
        assert report["ours"]["mean_de"] < report[baseline]["mean_de"]

    frames = sorted((tmp_path / "colored").glob("*.png"))
    assert len(frames) == report["frames"]
    assert all(Image.open(frame).size == (960, 540) for frame in frames)
    assert (tmp_path / "shot.blend").stat().st_size > 0
    assert Image.open(tmp_path / "contact_sheet.png").width > 1000
