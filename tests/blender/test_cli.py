# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender FILE --command longanimation …`, as a process of its own with a real server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest
import requests
from PIL import Image

from server.demo.blender_process import environment
from server.demo.server_process import RunningServer
from shared.digests import address_of
from shared.protocol import API_PREFIX

from .conftest import Scenario
from .program import program
from .servers import coloring_server

_SECONDS = 300
COLORS = "colorize", "--json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A running server with a worker that needs no weights."""
    with coloring_server(tmp_path_factory.mktemp("server")) as running:
        yield running


def own_seed() -> list[str]:
    """Words for a job that reuses nothing of a job of another Blender, which may have exported the same images."""
    return ["--seed", str(uuid.uuid4().int % 2**31)]


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit status, the lines of its standard output, and its standard error."""

    status: int
    lines: list[str]
    errors: str

    @property
    def results(self) -> list[Any]:
        """The results, of which there is one a line and nothing else."""
        return [json.loads(line) for line in self.lines]


Start = Callable[..., subprocess.Popen]
Run = Callable[..., Ended]


@pytest.fixture
def film(scenario: Scenario, tmp_path: Path) -> Path:
    """A .blend file of three shots."""
    path = tmp_path / "film" / "film.blend"
    path.parent.mkdir()
    scenario("cli.film", str(path))
    return path


@pytest.fixture
def start(blender: Path, film: Path, tmp_path: Path) -> Start:
    """Start the command with these words."""

    def popen(*words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [*program(blender), "--online-mode", str(film), "--command", "longanimation", *words],
            env=environment(tmp_path / "user"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return popen


@pytest.fixture
def run(start: Start) -> Run:
    """Run the command with these words to its end."""

    def wait(*words: str) -> Ended:
        with start(*words) as process:
            output, errors = process.communicate(timeout=_SECONDS)
        return Ended(process.returncode, _of_command(output), errors)

    return wait


def test_shots_are_listed_with_their_numbers_frames_keyframes_and_problems(run: Run) -> None:
    ended = run("shots", "--markers", "--keyframe", "7,8", "--json")
    assert ended.status == 0, ended.errors
    walk, running, unpainted = ended.results
    assert walk == {
        "number": 1, "shot": "walk", "scene": "Crossing", "frames": [1, 4], "keyframes": [2], "problem": ""
    }  # fmt: skip
    assert running["keyframes"] == [6, 7, 8]
    assert (unpainted["number"], unpainted["frames"]) == (3, [9, 12])
    assert "There is no painted keyframe between frames 9 and 12" in unpainted["problem"]
    (sentence,) = run("shots", "--markers", "--shot", "walk").lines
    assert sentence == "1 walk: Crossing 1-4, keyframes [2]"


def test_every_shot_is_colored_its_strips_are_saved_and_the_one_that_fails_holds_up_none(
    run: Run, scenario: Scenario, server: RunningServer, film: Path
) -> None:
    timeline = film.parent / "film.otio"
    words = ["--directory", str(film.parent / "takes"), "--otio", str(timeline)]
    ended = run(*COLORS, "--markers", "--server", server.address, *words)
    assert ended.status == 1
    unpainted, walk, running = ended.results
    assert unpainted["state"] == "failed" and "has no keyframe" in unpainted["problem"]
    for shot, name, frames in ((walk, "walk", [1, 4]), (running, "run", [5, 8])):
        assert (shot["shot"], shot["state"], shot["frames"], shot["problem"]) == (name, "done", frames, "")
        assert shot["folder"] == str(film.parent / "takes" / name)
        assert len(list(Path(shot["folder"], "colored").glob("*.png"))) == 4
        assert _job(server, shot["job"])["state"] == "done"
    percents = [int(line.split("%")[0]) for line in ended.errors.splitlines() if line[3:4] == "%"]
    assert percents == sorted(percents) and percents[-1] == 100 and len(set(percents)) > 5
    found = scenario("cli.contents", str(film))
    assert [strip["range"] for strip in found["strips"]] == [[1, 5], [5, 9]]
    edit = otio.adapters.read_from_file(str(timeline))
    ranges = [(clip.name, clip.range_in_parent()) for clip in edit.find_clips()]
    assert [(name, placed.start_time.value, placed.duration.value) for name, placed in ranges] == [
        ("walk", 0, 4),
        ("run", 4, 4),
    ]


def test_what_the_words_say_goes_before_what_the_file_says_and_is_not_kept(
    run: Run, scenario: Scenario, server: RunningServer, film: Path, tmp_path: Path
) -> None:
    painted = tmp_path / "painted.png"
    Image.fromarray(np.full((135, 240, 3), (220, 60, 90), np.uint8)).save(painted)
    folder = tmp_path / "take"
    words = ["--frames", "3-6", "--keyframe", f"6={painted}", "--keyframe", "4", "--seed", "3", "--quality", "draft"]
    words += ["--finish", "painted", "--prompt", "a walk", "--layout", "flat", "--scene", "Crossing"]
    words += ["--reference", str(tmp_path / "girl.png")]
    sheet = Image.new("RGBA", (80, 60))
    sheet.paste((200, 30, 30, 255), (20, 10, 60, 50))
    sheet.save(tmp_path / "girl.png")
    ended = run(*COLORS, "--server", server.address, "--directory", str(folder), *words)
    assert ended.status == 0, ended.errors
    record = json.loads((folder / "take.json").read_text(encoding="utf-8"))
    manifest = record["manifest"]
    assert (manifest["seed"], manifest["quality"], manifest["finish"]) == (3, "draft", "painted")
    assert (manifest["prompt"], manifest["frame_start"], len(manifest["timing"])) == ("a walk", 3, 4)
    assert [keyframe["frame"] for keyframe in manifest["keyframes"]] == [4, 6]
    assert np.asarray(Image.open(folder / "keyframes" / "0006.png").convert("RGB"))[0, 0].tolist() == [220, 60, 90]
    assert np.ptp(np.asarray(Image.open(folder / "keyframes" / "0004.png").convert("RGB"))) > 0
    assert manifest["sheets"] == [address_of((folder / "sheets" / "1.png").read_bytes())]
    found = scenario("cli.contents", str(film))
    assert found["settings"] == [7, "auto", "meta", [2, 6]]
    assert "painted.png" not in found["images"]
    assert [strip["type"] for strip in found["strips"]] == ["IMAGE"]


def test_shots_that_are_only_sent_are_fetched_later(
    run: Run, scenario: Scenario, server: RunningServer, film: Path
) -> None:
    takes = film.parent / "takes"
    words = ["--from", "markers", "--shot", "2", "--shot", "walk", "--directory", str(takes), "--prompt", "slow"]
    words += own_seed()
    ended = run(*COLORS, "--server", server.address, "--no-wait", *words)
    assert ended.status == 0, ended.errors
    assert [(shot["shot"], shot["state"]) for shot in ended.results] == [("walk", "sent"), ("run", "sent")]
    assert all(_job(server, shot["job"])["state"] not in ("cancelled", "failed") for shot in ended.results)
    assert scenario("cli.contents", str(film))["strips"] == []
    fetched = run("fetch", str(takes), "--json")
    assert fetched.status == 0, fetched.errors
    assert sorted((shot["job"], shot["state"]) for shot in fetched.results) == sorted(
        (shot["job"], "done") for shot in ended.results
    )
    assert [strip["range"] for strip in scenario("cli.contents", str(film))["strips"]] == [[1, 5], [5, 9]]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_jobs_and_leaves_the_file_alone(
    start: Start, server: RunningServer, film: Path, kind: signal.Signals
) -> None:
    before = film.read_bytes()
    words = ["--frames", "1-8", "--prompt", "slow", *own_seed()]
    with start(*COLORS, "--server", server.address, *words) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "Coloring" in line:
                process.send_signal(kind)
                break
        output, errors = process.communicate(timeout=_SECONDS)
    assert process.returncode == 130, "".join(said) + errors
    shot, interrupted = [json.loads(line) for line in _of_command(output)]
    assert interrupted == {"problem": "Interrupted"}
    assert shot["state"] == "cancelled"
    assert _job(server, shot["job"])["state"] == "cancelled"
    assert film.read_bytes() == before


def test_no_save_leaves_the_file_alone_and_empty_values_count_as_not_given(
    run: Run, server: RunningServer, film: Path
) -> None:
    before = film.read_bytes()
    empty = [word for name in ("scene", "frames", "keyframe", "preset", "finish", "quality", "seed", "prompt", "layout",
                               "directory") for word in (f"--{name}", "")]  # fmt: skip
    words = ["--from", "markers", "--shot", "1", "--openjd", "--no-save", *empty]
    ended = run("colorize", "--server", server.address, *words)
    assert ended.status == 0, ended.errors
    *told, result = ended.lines
    assert result.startswith("walk, take 1: done, in ")
    progress = [float(line.split()[1]) for line in told if line.startswith("openjd_progress: ")]
    status = [line for line in told if line.startswith("openjd_status: ")]
    assert len(progress) == len(status) == len(told) / 2
    assert progress == sorted(progress) and progress[-1] == 100
    assert "openjd_status: walk: exporting image 1 of 5" in status
    assert film.read_bytes() == before


def test_takes_get_the_colors_of_a_palette_without_a_server(
    run: Run, scenario: Scenario, film: Path, tmp_path: Path
) -> None:
    takes = tmp_path / "takes"
    old = scenario("cli.finished", str(film), str(takes))
    night, day = tmp_path / "night.gpl", tmp_path / "day.gpl"
    night.write_text("GIMP Palette\nName: Night\n#\n10 20 60\tCoat\n1 2 3\tHat\n", encoding="utf-8")
    levels = " ".join(str(level) for level in bytes.fromhex(old[1:]))
    day.write_text(f"GIMP Palette\nName: Day\n#\n{levels}\tCoat\n", encoding="utf-8")
    ended = run("recolor", str(takes), "--palette", str(night), "--json")
    assert ended.status == 0, ended.errors
    (made,) = ended.results
    assert (made["state"], made["folder"]) == ("done", str(takes / "walk-night"))
    record = json.loads((takes / "walk-night" / "take.json").read_text(encoding="utf-8"))
    assert record["palette"] == [{"name": "Coat", "color": "#0a143c"}] and record["number"] == 2
    for take, color in (("walk", old), ("walk-night", "#0a143c")):
        pictures = [np.asarray(Image.open(path)) for path in (takes / take / "fills").glob("*.png")]
        assert any((picture == tuple(bytes.fromhex(color[1:]))).all(axis=2).any() for picture in pictures), take
    assert len(scenario("cli.contents", str(film))["strips"]) >= 1
    again = run("recolor", str(takes / "walk"), "--palette", str(night))
    assert again.status == 1 and "walk-night is there already" in again.errors
    same = run("recolor", str(takes / "walk"), "--palette", str(day))
    assert same.status == 1 and "No color of" in same.errors and "it has the names Coat" in same.errors
    (tmp_path / "broken.gpl").write_text("red")
    broken = run("recolor", str(takes / "walk"), "--palette", str(tmp_path / "broken.gpl"))
    assert broken.status == 1 and "broken.gpl" in broken.errors


def test_a_server_that_is_away_is_told_to_people_and_to_programs(run: Run) -> None:
    ended = run(*COLORS, "--openjd", "--server", "http://127.0.0.1:9")
    assert ended.status == 1
    said, failure = ended.lines
    assert json.loads(said)["problem"].startswith("Nothing listens on port 9 ")
    assert failure == f"openjd_fail: {json.loads(said)['problem']}"
    assert json.loads(said)["problem"] in ended.errors


def test_a_file_that_cannot_be_read_is_said_and_left_as_it_is(run: Run, film: Path) -> None:
    film.write_bytes(b"no film")
    ended = run(*COLORS, "--keyframe", "1")
    assert ended.status == 1
    assert "No .blend file is open" in ended.errors
    assert film.read_bytes() == b"no film"


def test_what_cannot_be_done_is_said_with_the_next_step(scenario: Scenario, film: Path) -> None:
    cases = {
        ("--scene", "Nowhere"): "no scene 'Nowhere': give --scene one of Crossing, Empty",
        ("--from", "list"): "no such shot",
        ("--markers", "--frames", "13-20"): "no such shot",
        ("--markers", "--shot", "fly"): "no shot fly: give --shot one of 1 walk, 2 run, 3 unpainted",
        ("--keyframe", "99"): "Keyframe 99 is not in any shot",
        ("--keyframe", "3=absent.png"): "absent.png cannot be read as an image",
        ("--reference", "absent.png"): "absent.png cannot be read as an image",
        ("--scene", "Empty", "--markers"): "press M in the Timeline",
        ("--otio", "nowhere/film.otio"): "nowhere of the timeline does not exist: give another --otio",
    }
    answers = scenario("cli.refusals", str(film), [["colorize", *words] for words in cases])
    for (words, part), said in zip(cases.items(), answers, strict=True):
        assert part in said, words


def test_words_that_make_no_sense_are_refused_and_help_is_there(scenario: Scenario) -> None:
    cases = {
        (): "VERB",
        ("colorize", "--frames", "9"): "write it like 1-48",
        ("colorize", "--frames", "9-3"): "write it like 1-48",
        ("colorize", "--keyframe", "one"): "write 12, or 1,12, or 12=IMAGE",
        ("colorize", "--finish", "glossy"): "not one of flats, painted",
        ("colorize", "--seed", "x"): "invalid int value",
        ("colorize", "--scene", "A", "--all-scenes"): "give only one of the two",
        ("colorize", "--otio", "film.otio", "--no-wait"): "--otio needs finished takes",
        ("fetch",): "DIR",
        ("recolor", "takes"): "--palette",
    }
    good = [["--help"], ["colorize", "--help"], ["colorize", "--frames=-5-3"], ["colorize", "--all-scenes"]]
    answers = scenario("cli.read", [*map(list, cases), *good])
    for (words, part), (status, said) in zip(cases.items(), answers, strict=False):
        assert status == 2 and part in said, (words, said)
    assert [status for status, _ in answers[len(cases) :]] == [0] * len(good)


def _of_command(output: str) -> list[str]:
    """The lines that are the command's: Blender tells before it what it opens."""
    blenders = re.compile(r"Blender \d|.*\bRead blend: |$")
    return [line for line in output.splitlines() if not blenders.match(line)]


def _job(server: RunningServer, job: str) -> Any:
    return requests.get(f"{server.address}{API_PREFIX}/jobs/{job}", timeout=30).json()
