# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips with known colors are read by frame number, measured, and reported."""

import argparse
import json
from pathlib import Path

import pytest

from server.coloring.numbered_files import FolderError
from server.demo.report import write_report
from server.evaluation import cli
from server.evaluation.clip import read_clip
from server.images.codec import encode_png
from tests.coloring.drawings import scene


def write_shot(folder: Path, *pictures: str, frames: int = 12) -> None:
    """Frames on twos, numbers from 21, line art in `lineart` and the truth in each of `pictures`."""
    for name in ("lineart", *pictures):
        (folder / name).mkdir(parents=True)
    for place in range(frames):
        drawing, painting = scene(60 + 6 * (place // 2))
        (folder / "lineart" / f"{21 + place:04}.png").write_bytes(encode_png(drawing))
        for name in pictures:
            (folder / name / f"{21 + place:04}.png").write_bytes(encode_png(painting))


def test_a_clip_knows_its_holds_and_frames(tmp_path):
    write_shot(tmp_path, "color")
    clip = read_clip(tmp_path / "lineart", tmp_path / "color")
    assert clip.numbers == tuple(range(21, 33)) and len(clip.drawings) == len(clip.truth) == 6
    assert clip.holds == [2] * 6 and clip.drawing_at(24) == 1 and clip.first_place_of(1) == 2
    with pytest.raises(FolderError, match="Frame 33"):
        clip.drawing_at(33)


def test_a_clip_whose_frames_do_not_match_is_refused(tmp_path):
    write_shot(tmp_path, "color")
    (tmp_path / "color" / "0027.png").unlink()
    with pytest.raises(FolderError, match="frame 27"):
        read_clip(tmp_path / "lineart", tmp_path / "color")


def test_the_demo_report_compares_with_the_truth_and_shows_it(tmp_path):
    write_shot(tmp_path, "truth", "colored")
    (tmp_path / "keyframes").mkdir()
    (tmp_path / "keyframes" / "0025.png").write_bytes((tmp_path / "truth" / "0025.png").read_bytes())
    report = write_report(tmp_path, {"color": 12.345}, {"blender": "4.5.15"})
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert report["frames"] == 12 and report["distinct_drawings"] == 6 and report["keyframe"] == 25
    assert report["seconds"] == {"color": 12.35} or report["seconds"] == {"color": 12.34}
    assert report["ours"] == {"mean_de": 0, "within10": 1, "within10_moved": 1}
    assert report["hold"]["within10_moved"] < report["flow"]["within10_moved"] <= 1
    assert 0 < report["moved_share"] < 0.2
    assert (tmp_path / "contact_sheet.png").stat().st_size > 10_000


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return parser.parse_args(words)


def test_a_clip_that_is_not_there_ends_with_a_sentence(tmp_path, capsys):
    assert cli.run(arguments(str(tmp_path))) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_measures_the_tiny_preset_and_writes_json(tmp_path, capsys):
    write_shot(tmp_path / "ball", "color", frames=4)
    numbers = tmp_path / "numbers.json"
    assert cli.run(arguments(str(tmp_path / "ball"), "--json", str(numbers), "--methods", "ours,hold")) == 0
    assert "hold" in capsys.readouterr().out
    (report,) = json.loads(numbers.read_text()).values()
    assert 0 <= report["ours"]["within10"] <= 1 and report["hold"]["within10"] < 1
    assert report["ours"]["guesses"]["regions"] > 0 and report["hold"]["guesses"] is None
    assert report["hold"]["segments"]["pixels"] < report["hold"]["segments"]["segments"] == 1
    assert report["hold"]["borders"] == 0  # what is wrong lies beside the line
