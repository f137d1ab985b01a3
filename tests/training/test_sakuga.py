# SPDX-License-Identifier: GPL-3.0-or-later
"""From Sakuga-42M's tables to a folder of clips, with a server of videos on this machine."""

import csv
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest

from server.cli import main
from server.training import sakuga
from server.training.sakuga import fetch_sakuga, find_videos
from server.training.sources import ClipFilter, read_clips
from tests.training.videos import HEIGHT, WIDTH, picture, write_video

SHORT = ClipFilter(frames=4, drawings=1)


class VideoServer:
    """Serves the files of a folder. fail: the statuses that are answered first, by name, or "cut" for half of the
    file. requests: the names asked for, and when."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fail: dict[str, list[int | str]] = {}
        self.requests: list[tuple[str, float]] = []
        self.running = self.most = 0
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def names(self) -> list[str]:
        return [name for name, _ in self.requests]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _handler(owner: VideoServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            with owner.lock:
                owner.requests.append((name, monotonic()))
                owner.running += 1
                owner.most = max(owner.most, owner.running)
                plan = owner.fail.get(name)
                fate = plan.pop(0) if plan else 200
            content = (owner.folder / name).read_bytes() if fate in (200, "cut") else b""
            self.send_response(200 if fate == "cut" else int(fate))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fate == "cut" else content)
            with owner.lock:
                owner.running -= 1

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


@pytest.fixture
def server(tmp_path: Path) -> Iterator[VideoServer]:
    """Three videos of twenty frames, one that is none, and an empty place."""
    for name, steps in (("12", range(20)), ("34", range(19, -1, -1)), ("56", range(20))):
        write_video(tmp_path / "web" / f"{name}.mp4", list(steps))
    (tmp_path / "web" / "78.mp4").write_bytes(b"no video")
    server = VideoServer(tmp_path / "web")
    yield server
    server.stop()


def row(server: VideoServer, clip: str, start: int, end: int, **other: Any) -> dict[str, Any]:
    """A row of the table: a clip from frame `start` to `end` at 24 frames a second."""
    times = {"scene_start_time": f"00:00:{start / 24:06.3f}", "scene_end_time": f"00:00:{end / 24:06.3f}", "fps": 24}
    scores = {"aesthetic_score": 0.9, "dynamic_score": 0.9, "text_prob": 0.0, "text_description": f"a disc, {clip}"}
    address = f"{server.address}/{clip.partition(':')[0]}.mp4"
    return {"identifier": clip, "url_link": address, **times, **scores, "user_tags": "unused", **other}


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def steps_of(color: np.ndarray) -> list[int]:
    """Which pictures a clip shows."""
    known = np.stack([picture(step) for step in range(20)]).astype(int)
    return [int(np.abs(known - frame).mean(axis=(1, 2, 3)).argmin()) for frame in color]


def test_good_clips_are_cut_to_the_frame_and_can_be_read(server: VideoServer, tmp_path: Path) -> None:
    rows = [
        row(server, "12:0", 0, 5),
        row(server, "12:3", 5, 12),
        row(server, "34:1", 8, 20),
        row(server, "34:2", 0, 8, aesthetic_score=0.2),
        row(server, "56:0", 0, 3),
        row(server, "56:1", 3, 19, text_prob=0.9),
    ]
    write_table(tmp_path / "tables" / "train.csv", rows)
    folder = tmp_path / "clips"
    assert fetch_sakuga(tmp_path / "tables", folder, SHORT, pause=0) == (3, 0)
    assert sorted(server.names()) == ["12.mp4", "34.mp4"], "a video is fetched once, and not without good clips"
    clips = list(read_clips(folder, WIDTH, HEIGHT, SHORT))
    assert [clip.name for clip in clips] == ["12-0", "12-3", "34-1"]
    assert [steps_of(clip.color) for clip in clips] == [
        list(range(5)),
        list(range(5, 12)),
        list(range(11, -1, -1)),
    ]
    assert clips[1].sentence == "a disc, 12:3"
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == ["12/12-0.mp4", "12/12-3.mp4", "34/34-1.mp4", "clips.csv", "failed.jsonl"]


def test_what_fails_is_reported_and_only_that_is_tried_again(server: VideoServer, tmp_path: Path) -> None:
    table = write_table(tmp_path / "table.csv", [row(server, f"{name}:0", 0, 8) for name in ("12", "34", "56", "78")])
    late = row(server, "12:9", 30, 40)
    write_table(table, [*csv.DictReader(table.open(encoding="utf-8")), late])
    server.fail = {"34.mp4": [404], "56.mp4": ["cut"]}
    folder = tmp_path / "clips"
    assert fetch_sakuga(table, folder, SHORT, pause=0) == (1, 4)
    report = [json.loads(line) for line in (folder / "failed.jsonl").read_text(encoding="utf-8").splitlines()]
    reasons = {failure["identifier"]: failure["reason"] for failure in report}
    assert "404" in reasons["34:0"] and "InvalidData" in reasons["78:0"] and reasons["56:0"]
    assert reasons["12:9"] == "the video ends before it begins"
    assert all(failure["url_link"].startswith(server.address) for failure in report)
    assert not list(folder.rglob(".*")), "nothing half is left"

    server.requests.clear()
    assert fetch_sakuga(table, folder, SHORT, pause=0) == (3, 2)
    assert sorted(server.names()) == ["12.mp4", "34.mp4", "56.mp4", "78.mp4"]
    assert [clip.name for clip in read_clips(folder, WIDTH, HEIGHT, SHORT)] == ["12-0", "34-0", "56-0"]


def test_an_interrupted_call_goes_on_with_what_is_there(
    server: VideoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_table(tmp_path / "table.csv", [row(server, f"{name}:0", 0, 8) for name in ("12", "34", "56")])
    cut = sakuga.cut_scenes

    def interrupt(video: Path, scenes: Any) -> None:
        if "34" in video.name:
            raise KeyboardInterrupt
        cut(video, scenes)

    monkeypatch.setattr(sakuga, "cut_scenes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch_sakuga(table, tmp_path / "clips", SHORT, connections=1, pause=0)
    monkeypatch.setattr(sakuga, "cut_scenes", cut)
    with (tmp_path / "clips" / "clips.csv").open("a", encoding="utf-8") as file:
        file.write('56-0,"half a ro')
    server.requests.clear()
    assert fetch_sakuga(table, tmp_path / "clips", SHORT, connections=1, pause=0) == (3, 0)
    assert "12.mp4" not in server.names()
    assert [clip.name for clip in read_clips(tmp_path / "clips", WIDTH, HEIGHT, SHORT)] == ["12-0", "34-0", "56-0"]


def test_a_busy_server_is_asked_again_and_never_by_more_than_wanted(server: VideoServer, tmp_path: Path) -> None:
    rows = [row(server, f"{name}:0", 0, 8) for name in ("12", "34", "56")]
    server.fail = {"12.mp4": [503], "34.mp4": [429]}
    assert fetch_sakuga(write_table(tmp_path / "t.csv", rows), tmp_path / "clips", SHORT, 2, pause=0.3) == (3, 0)
    assert server.most <= 2 and len(server.requests) == 5
    first = dict(reversed(server.requests))
    assert all(later - earlier > 0.25 for earlier, later in pairwise(sorted(first.values()))), "not all at once"


def test_the_papers_length_is_read_from_the_times(server: VideoServer, tmp_path: Path) -> None:
    rows = [row(server, "12:0", 0, 92), row(server, "12:1", 0, 91), row(server, "34:0", 0, 91, fps="")]
    table = write_table(tmp_path / "table.csv", rows)
    videos = find_videos(table, tmp_path / "clips", ClipFilter())
    assert [[scene.name for scene in video.scenes] for video in videos] == [["12-0"], ["34-0"]]


def test_parquet_is_read_like_csv(server: VideoServer, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip(
        "pyarrow", reason="no pyarrow: .venv/bin/pip install --constraint requirements.lock pyarrow"
    )
    from pyarrow import parquet

    rows = [row(server, "12:0", 0, 8), row(server, "12:1", 8, 16, aesthetic_score=None)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "table.parquet")
    folder = tmp_path / "clips"
    assert main(["train", "sakuga", "--clips", str(tmp_path / "table.parquet"), "--output", str(folder)]) == 0
    (video,) = find_videos(tmp_path / "table.parquet", folder, SHORT)
    assert [scene.name for scene in video.scenes] == ["12-0", "12-1"]
    assert not server.requests, "eight frames are too short for the paper"


def test_tables_that_cannot_be_used_say_why(
    server: VideoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "sakuga", "--output", str(tmp_path / "clips")]
    assert main(command) == 2
    assert "--clips DIR" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match="has no table"):
        fetch_sakuga(tmp_path / "nothing", tmp_path / "clips")
    table = write_table(tmp_path / "table.csv", [{"identifier": "12:0"}])
    with pytest.raises(ValueError, match="no column url_link"):
        fetch_sakuga(table, tmp_path / "clips")
    write_table(table, [row(server, "../12:0", 0, 99)])
    with pytest.raises(ValueError, match="is no identifier"):
        fetch_sakuga(table, tmp_path / "clips")
    write_table(table, [row(server, "12:0", 0, 99)])
    with pytest.raises(ValueError, match="is in the folder for the clips"):
        fetch_sakuga(tmp_path, tmp_path)
