# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio's clips are read with their holds, and poor ones are left out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from server.cli import main
from server.longanimation import line_extractor
from server.training import line_extraction
from server.training.clips import sample_clip
from server.training.sources import ClipFilter, read_clips, store_clips
from server.training.sources.stored_clips import open_clip, sample_stored_clip, stored_clips
from tests.training.videos import HEIGHT, WIDTH, picture, write_video

ANY = ClipFilter(frames=1, drawings=1)


def test_held_drawings_of_a_compressed_video_are_seen_once(tmp_path: Path) -> None:
    write_video(tmp_path / "walk.mp4", [0, 0, 1, 1, 1, 2, 3, 3])
    (clip,) = read_clips(tmp_path, WIDTH, HEIGHT, ANY)
    assert clip.exposure.drawing_of == (0, 0, 1, 1, 1, 2, 3, 3)
    assert clip.color.shape == (4, HEIGHT, WIDTH, 3)
    assert np.abs(clip.color[2].astype(int) - picture(2)).mean() < 8
    assert clip.line_art[0][28, 30] < 128 < clip.line_art[0][5, 150]  # on the outline, and far from it


def test_folders_of_frames_are_clips_and_are_scaled_to_cover(tmp_path: Path) -> None:
    (tmp_path / "süß").mkdir()
    for number in range(3):
        ok, data = cv2.imencode(".png", cv2.cvtColor(picture(number), cv2.COLOR_RGB2BGR))
        assert ok
        (tmp_path / "süß" / f"{number:04}.png").write_bytes(data.tobytes())
    (clip,) = read_clips(tmp_path, 64, 64, ANY)
    assert clip.name == "süß"
    assert clip.color.shape == (3, 64, 64, 3)


def test_short_and_still_clips_are_left_out_as_in_the_paper(tmp_path: Path) -> None:
    write_video(tmp_path / "short.mp4", list(range(9)) * 10)
    write_video(tmp_path / "still.mp4", [0] * 100)
    write_video(tmp_path / "good.mp4", [i // 2 % 11 for i in range(100)])
    assert [clip.name for clip in read_clips(tmp_path, 64, 40)] == ["good"]


def test_sakugas_tables_choose_cut_and_describe(tmp_path: Path) -> None:
    write_video(tmp_path / "download" / "12.mp4", [0] * 12 + list(range(1, 13)))
    for scene in (1, 2):
        write_video(tmp_path / "split" / "34" / f"34-Scene-00{scene}.mp4", [scene] * 3)
    (tmp_path / "clips.csv").write_text(
        "identifier,scene_start_time,scene_end_time,aesthetic_score,dynamic_score,text_prob,text_description\n"
        "12:7,00:00:00.500,00:00:00.750,0.9,0.9,0.0,a ball rolls\n"
        "12:8,00:00:00.000,00:00:00.500,0.2,0.9,0.0,ugly\n"
        "34:0,,,0.9,0.9,0.5,written on\n"
        "34:5,,,0.9,,0.0,a ball\n"
    )
    rolling, second = read_clips(tmp_path, WIDTH, HEIGHT, ANY)
    assert (rolling.name, rolling.sentence) == ("12:7", "a ball rolls")
    assert rolling.exposure.drawing_of == tuple(range(6))
    assert np.abs(rolling.color[0].astype(int) - picture(1)).mean() < 8
    assert second.name == "34:5"
    assert np.abs(second.color[0].astype(int) - picture(2)).mean() < 8


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not a folder"):
        list(read_clips(tmp_path / "none", 64, 40))
    with pytest.raises(FileNotFoundError, match="no videos"):
        list(read_clips(tmp_path, 64, 40))
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(ValueError, match=r"broken\.mp4 cannot be read"):
        list(read_clips(tmp_path, 64, 40))
    (tmp_path / "table.csv").write_text("name\nbroken\n")
    with pytest.raises(ValueError, match="no column `identifier`"):
        list(read_clips(tmp_path, 64, 40))
    (tmp_path / "table.csv").write_text("identifier\nelsewhere:1\n")
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        list(read_clips(tmp_path, 64, 40))


def test_stored_clips_are_sampled(tmp_path: Path) -> None:
    write_video(tmp_path / "show" / "walk.mp4", [0, 0, 1, 2, 3, 4])
    assert store_clips(tmp_path / "show", tmp_path / "mine", WIDTH, HEIGHT, ANY) == 1
    (place,) = stored_clips(tmp_path / "mine")
    clip = sample_stored_clip(place, seed=0, drawings=10, width=WIDTH, height=HEIGHT, at=[0, 4, 5])
    painted = clip.colors[clip.labels].astype(int)
    assert np.abs(painted[0, 48, 30] - (220, 40, 40)).max() < 30, "the disc's red"
    assert np.abs(painted[0, 5, 150] - (120, 170, 230)).max() < 30, "the ground's blue"
    assert np.abs(painted[1, 48, 62] - (220, 40, 40)).max() < 30, "the disc has moved on"
    assert (clip.line_art[0] < 128).any()
    back = sample_stored_clip(place, seed=0, drawings=10, width=WIDTH, height=HEIGHT, at=[3])
    assert np.array_equal(clip.line_art[2], back.line_art[0]), "the sixth drawing of five is the fourth again"

    sentences = {len(sample_clip(seed, 10, WIDTH, HEIGHT, [0], tmp_path / "mine").sentence) > 0 for seed in range(8)}
    assert sentences == {True, False}, "clips have no sentence here, cartoons do"


def test_clips_that_cannot_be_stored_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_video(tmp_path / "show" / "walk.mp4", [0, 1, 2])
    command = ["train", "clips", "--output", str(tmp_path / "mine")]
    assert main(command) == 2
    assert "--clips DIR" in capsys.readouterr().err
    assert main([*command, "--clips", str(tmp_path / "show")]) == 2
    assert "more than 91 frames" in capsys.readouterr().err
    (tmp_path / "mine" / "clips").mkdir(parents=True)
    assert main([*command, "--clips", str(tmp_path / "show")]) == 2
    assert "exists already" in capsys.readouterr().err


class Diagonal:
    """Draws the same line for every picture."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return np.where(np.eye(*image.shape[:2], dtype=bool), 0, 255).astype(np.uint8)


def test_lines_are_drawn_by_the_papers_extractor_where_its_weights_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_video(tmp_path / "show" / "walk.mp4", list(range(20)) * 5)
    loaded: list[Path] = []
    monkeypatch.setattr(line_extractor, "InformativeDrawings", lambda file, device: loaded.append(file) or Diagonal())
    weights = tmp_path / "model.pth"
    monkeypatch.setattr(line_extraction, "extractor_weights", lambda: weights)
    command = ["train", "clips", "--clips", str(tmp_path / "show"), "--size", f"{WIDTH}x{HEIGHT}", "--output"]

    def lines(name: str, *options: str) -> np.ndarray:
        assert main([*command, str(tmp_path / name), *options]) == 0
        (place,) = stored_clips(tmp_path / name)
        return open_clip(place).read([0], WIDTH, HEIGHT)[0][0]

    assert main([*command, str(tmp_path / "none"), "--lines", "informative-drawings"]) == 2
    classical = lines("without")
    assert classical[28, 30] < 128 and not loaded
    assert "install.py models informative-drawings" in caplog.text
    weights.write_bytes(b"")
    assert np.array_equal(lines("with"), Diagonal()(picture(0))) and loaded == [weights]
    assert np.array_equal(lines("dog", "--lines", "dog"), classical)


def test_clips_keep_their_holds_and_older_ones_count_as_on_ones(tmp_path: Path) -> None:
    write_video(tmp_path / "show" / "walk.mp4", [0, 0, 1, 2, 2, 2])
    store_clips(tmp_path / "show", tmp_path / "mine", WIDTH, HEIGHT, ANY)
    (place,) = stored_clips(tmp_path / "mine")
    assert open_clip(place).exposure == (0, 0, 1, 2, 2, 2)
    (place / "about.json").write_text('{"name": "walk", "drawings": 3, "sentence": ""}')
    assert open_clip(place).exposure == (0, 1, 2)
