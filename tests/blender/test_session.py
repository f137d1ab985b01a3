# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes with a real server process, whose worker colors with the server tests' stand-in for the model."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from server.demo.server_process import RunningServer, free_port, running_server
from shared.timing import expose

from .conftest import Scenario
from .servers import coloring_server

pytestmark = pytest.mark.slow

Import = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server's files."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[RunningServer]:
    """A running server with a worker that needs no weights."""
    with coloring_server(home) as running:
        yield running


@pytest.fixture
def take(addon: Import, tmp_path: Path) -> Any:
    """A take of six frames on twos, with frame 12 painted."""
    folder = tmp_path / "take"
    for name in ("lineart", "keyframes"):
        (folder / name).mkdir(parents=True)
    files = []
    for frame in range(10, 16):
        drawing = np.full((32, 48), 255, np.uint8)
        drawing[:, frame // 2 * 3] = 0
        files.append(folder / "lineart" / f"{frame:04d}.png")
        Image.fromarray(drawing).save(files[-1])
    painted = folder / "keyframes" / "0012.png"
    Image.fromarray(np.full((32, 48, 3), (220, 60, 90), np.uint8)).save(painted)
    address = addon("takes.take").address_of_file
    addresses = [address(path) for path in files]
    manifest = addon("shared.manifest").ShotManifest(
        name="Three drawings",
        frame_start=10,
        fps=24.0,
        width=48,
        height=32,
        drawings=tuple(dict.fromkeys(addresses)),
        timing=expose(10, addresses).drawing_of,
        keyframes=(addon("shared.manifest").Keyframe(12, address(painted)),),
        seed=uuid.uuid4().int % 2**31,  # a job of its own, that reuses nothing of another test's
    )
    taken = addon("takes.take").Take(folder, str(uuid.uuid4()), manifest)
    taken.save()
    return taken


def _with(take: Any, **changes: Any) -> Any:
    return replace(take, manifest=replace(take.manifest, **changes))


def _session(addon: Import, address: str, take: Any, **arguments: Any) -> Any:
    session = addon("remote.session").Session(addon("shared.remote.client").Client(address), take, **arguments)
    session.start()
    return session


def _outcome(addon: Import, server: RunningServer, take: Any, **arguments: Any) -> list[Any]:
    return list(_session(addon, server.address, take, **arguments).wait())


def _first(waiting: Iterator[Any], condition: Callable[[Any], bool]) -> Any:
    """The first message that meets a condition."""
    return next(message for message in waiting if condition(message))


def test_every_frame_comes_back_under_its_number_as_its_segment_ends(
    addon: Import, server: RunningServer, take: Any
) -> None:
    kinds = addon("remote.session")
    waiting = _session(addon, server.address, take).wait()
    arrived: list[int] = []
    progress = []
    for message in waiting:
        if isinstance(message, kinds.Arrived):
            assert set(message.frames) <= set(take.arrived()), "told before it was there"
            arrived.extend(message.frames)
        elif isinstance(message, kinds.Progress):
            progress.append(message.fraction)
    assert isinstance(message, kinds.Finished), message
    assert sorted(arrived) == list(range(10, 16))
    assert progress == sorted(progress)
    for folder in (take.colored, take.fills):
        assert sorted(path.name for path in folder.iterdir()) == [f"{frame:04d}.png" for frame in range(10, 16)]
        assert (folder / "0010.png").read_bytes() == (folder / "0011.png").read_bytes()
        assert Image.open(folder / "0014.png").size == (48, 32)


def test_where_colors_are_a_guess_is_told_and_kept(addon: Import, server: RunningServer, take: Any) -> None:
    messages = _outcome(addon, server, take)
    told = [message.shares for message in messages if isinstance(message, addon("remote.session").Guessed)]
    assert told[-1] == {14: 0.025}
    again = replace(take, job=str(uuid.uuid4()))  # of which the server has all segments
    told = [one.shares for one in _outcome(addon, server, again) if isinstance(one, addon("remote.session").Guessed)]
    assert told[-1] == {14: 0.025}
    take = take.changed(guesses=tuple(told[-1].items()))
    assert addon("takes.take").Take.load(take.folder).guesses == ((14, 0.025),)


def test_a_take_gets_its_lines_too_unless_an_older_version_exported_it(
    addon: Import, server: RunningServer, take: Any
) -> None:
    load = addon("takes.take").Take.load
    take.save()
    for older in (False, True):
        record = json.loads((take.folder / "take.json").read_text(encoding="utf-8"))
        record.pop("has_lines", None)
        (take.folder / "take.json").write_text(json.dumps(record | {"transparent": older}), encoding="utf-8")
        assert load(take.folder).has_lines is older
    take = take.changed(has_lines=True)
    assert load(take.folder).has_lines
    _outcome(addon, server, take)
    assert sorted(path.name for path in take.lines.iterdir()) == [f"{frame:04d}.png" for frame in range(10, 16)]
    lines = np.asarray(Image.open(take.lines / "0012.png"))
    assert not lines[..., :3].any()
    assert (lines[..., 3] == 255 - np.asarray(Image.open(take.lineart / "0012.png"))).all()


def test_frames_of_a_job_that_goes_on_are_here_already(addon: Import, server: RunningServer, take: Any) -> None:
    kinds = addon("remote.session")
    session = _session(addon, server.address, _with(take, prompt="slow"))
    arrived = _first(session.wait(), lambda message: isinstance(message, kinds.Arrived))
    assert addon("shared.remote.client").Client(server.address).status(take.job).state == "running"
    assert set(arrived.frames) <= set(take.arrived()) < set(range(10, 16))
    session.cancel()
    assert isinstance(list(session.wait())[-1], kinds.Cancelled)


def test_a_session_goes_on_where_an_earlier_one_was_left(addon: Import, server: RunningServer, take: Any) -> None:
    kinds = addon("remote.session")
    slow = _with(take, prompt="slow")
    left = _session(addon, server.address, slow)
    _first(left.wait(), lambda message: isinstance(message, kinds.Arrived))
    left.detach()
    left._thread.join(30)
    before = {path: path.stat().st_mtime_ns for path in take.colored.iterdir()}
    assert before
    messages = _outcome(addon, server, slow)
    assert isinstance(messages[-1], kinds.Finished), messages[-1]
    assert take.arrived() == list(range(10, 16))
    assert {path: path.stat().st_mtime_ns for path in before} == before, "a frame was fetched twice"


def test_a_take_whose_frames_are_gone_is_fetched_again(addon: Import, server: RunningServer, take: Any) -> None:
    _outcome(addon, server, take)
    for path in take.fills.iterdir():
        path.unlink()
    messages = _outcome(addon, server, take)
    assert isinstance(messages[-1], addon("remote.session").Finished), messages[-1]
    assert take.arrived() == list(range(10, 16))


def test_cancelling_stops_the_job_on_the_server_too(addon: Import, server: RunningServer, take: Any) -> None:
    session = _session(addon, server.address, _with(take, prompt="slow"))
    waiting = session.wait()
    _first(waiting, lambda message: "Coloring" in getattr(message, "text", ""))
    session.cancel()
    assert isinstance(list(waiting)[-1], addon("remote.session").Cancelled)
    assert addon("shared.remote.client").Client(server.address).status(take.job).state == "cancelled"


def test_a_job_that_failed_is_told_in_the_server_s_words_and_goes_on_when_tried_again(
    addon: Import, server: RunningServer, take: Any, home: Path
) -> None:
    kinds = addon("remote.session")
    (home / "data" / "fault").touch()
    failing = _with(take, prompt="fail")
    failed = _outcome(addon, server, failing)[-1]
    assert isinstance(failed, kinds.Failed)
    problem = addon("shared.remote.client").Client(server.address).status(take.job).problem
    assert failed.sentence == problem.title
    (home / "data" / "fault").unlink()
    assert isinstance(_outcome(addon, server, failing)[-1], kinds.Failed), "it was only asked for, not tried again"
    assert isinstance(_outcome(addon, server, failing, retry=True)[-1], kinds.Finished)


def test_a_waiting_job_gets_another_priority(addon: Import, server: RunningServer, take: Any) -> None:
    client = addon("shared.remote.client").Client(server.address)
    first = _session(addon, server.address, _with(take, prompt="slow"))
    _first(first.wait(), lambda message: "Coloring" in getattr(message, "text", ""))
    second = _session(addon, server.address, replace(_with(take, seed=take.manifest.seed + 1), job=str(uuid.uuid4())))
    waiting = second.wait()
    _first(waiting, lambda message: getattr(message, "waiting", False))
    second.prioritize("low")
    deadline = time.monotonic() + 30
    while client.status(second.take.job).priority != "low" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.status(second.take.job).priority == "low"
    first.cancel()
    assert isinstance(list(waiting)[-1], addon("remote.session").Finished)


def test_a_preset_that_the_server_lacks_is_told_in_its_words(addon: Import, server: RunningServer, take: Any) -> None:
    failed = _outcome(addon, server, _with(take, preset="watercolor"))[-1]
    assert isinstance(failed, addon("remote.session").Failed)
    assert "watercolor" in failed.sentence


@pytest.mark.parametrize(
    ("limit", "most", "sentence"),
    [
        ("image_pixels", 48 * 32 - 1, "48×32, more than the 1,535 pixels"),
        ("frames", 5, "6 frames, more than the 5"),
        ("drawings", 2, "3 drawings, more than the 2"),
    ],
)
def test_a_shot_beyond_the_server_s_limits_is_refused_before_it_is_sent(
    addon: Import,
    server: RunningServer,
    take: Any,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    most: int,
    sentence: str,
) -> None:
    client = addon("shared.remote.client").Client(server.address)
    info = client.info()
    small = replace(info, limits=replace(info.limits, **{limit: most}))
    monkeypatch.setattr(addon("shared.remote.client").Client, "info", lambda client: small)
    failed = _outcome(addon, server, take)[-1]
    assert isinstance(failed, addon("remote.session").Failed)
    assert sentence in failed.sentence
    with pytest.raises(addon("shared.errors").RefusedError, match="job"):
        client.status(take.job)


def test_a_server_that_is_away_is_asked_until_it_is_there(addon: Import, take: Any, tmp_path: Path) -> None:
    port = free_port()
    session = _session(addon, f"http://127.0.0.1:{port}", take)
    waiting = session.wait()
    trouble = _first(waiting, lambda message: bool(getattr(message, "trouble", "")))
    assert "Nothing listens on port" in trouble.trouble
    assert trouble.remedy == "start_server"
    with running_server(tmp_path / "data", tmp_path / "server.log", "--workers", "0", port=port):
        _first(waiting, lambda message: getattr(message, "waiting", False))
        session.cancel()
        assert isinstance(list(waiting)[-1], addon("remote.session").Cancelled)


def test_a_server_that_restarts_meanwhile_is_waited_for(addon: Import, take: Any, tmp_path: Path) -> None:
    port = free_port()
    arguments = (tmp_path / "data", tmp_path / "server.log", "--workers", "0")
    with running_server(*arguments, port=port):
        session = _session(addon, f"http://127.0.0.1:{port}", take)
        waiting = session.wait()
        _first(waiting, lambda message: getattr(message, "waiting", False))
    _first(waiting, lambda message: bool(getattr(message, "trouble", "")))
    with running_server(*arguments, port=port):
        _first(waiting, lambda message: getattr(message, "waiting", False))
        session.cancel()
        assert isinstance(list(waiting)[-1], addon("remote.session").Cancelled)


def test_a_stopped_worker_is_told_until_the_job_goes_on(
    addon: Import, take: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, kinds = addon("shared.status"), addon("remote.session")
    monkeypatch.setattr(kinds, "_POLL_SECONDS", 0.01)
    stopped, reused = "Its worker stopped; the job continues.", "An earlier job has the same drawings."
    told = [
        [("progress", "running", "Keyframe 12 is fitted.")],
        [("state", "queued", stopped)],
        [],
        [("state", "running", "")],
        [("state", "done", reused)],
    ]
    polls = iter(told)

    class Scripted:
        state = "running"

        def info(self) -> Any:
            return None

        def events(self, job: str, after: int) -> list[Any]:
            found = [status.JobEvent(after + 1, 0.0, *one[:2], 0, 1, 0.5, one[2]) for one in next(polls)]
            self.state = found[-1].state if found else self.state
            return found

        def status(self, job: str) -> Any:
            return status.JobStatus(job, "shot", self.state, "tiny", 10, 15, 0, 1, 0.5, (), 0.0)

        def guesses(self, job: str) -> tuple[()]:
            return ()

    session = kinds.Session(Scripted(), take)
    session.start()
    messages = list(session.wait())
    assert isinstance(messages[-1], kinds.Finished), messages[-1]
    troubles = [one.trouble for one in messages if isinstance(one, kinds.Progress)]
    assert troubles == ["", "", stopped, stopped, "", ""]
    remarks = [one.sentence for one in messages if isinstance(one, kinds.Remark)]
    assert remarks == ["Keyframe 12 is fitted.", reused]


def test_a_connection_that_is_cut_again_and_again_loses_nothing(
    addon: Import, server: RunningServer, take: Any
) -> None:
    with _cutting(server.address, after=2000) as (address, cut):
        messages = list(_session(addon, address, take).wait())
    assert isinstance(messages[-1], addon("remote.session").Finished), messages[-1]
    assert take.arrived() == list(range(10, 16))
    assert len(cut) > 2, "hardly a connection was cut"


@contextmanager
def _cutting(address: str, after: int) -> Iterator[tuple[str, list[int]]]:
    """A way to a server that cuts each connection after so many bytes of answers; tells what it cut."""
    host, port = address.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))
    cut: list[int] = []

    def carry(source: socket.socket, target: socket.socket, limit: float) -> None:
        carried = 0
        with source, target:
            try:
                while data := source.recv(1000):
                    target.sendall(data)
                    carried += len(data)
                    if carried > limit:
                        cut.append(carried)
                        target.shutdown(socket.SHUT_RDWR)
                        source.shutdown(socket.SHUT_RDWR)
                        return
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.create_connection((host, int(port)))
            threading.Thread(target=carry, args=(client, upstream, float("inf")), daemon=True).start()
            threading.Thread(target=carry, args=(upstream, client, after), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", cut
    finally:
        listener.close()


def test_no_take_in_a_folder_says_what_to_choose(addon: Import, tmp_path: Path) -> None:
    with pytest.raises(addon("shared.errors").ShotError, match=r"folder of one take, which contains take\.json"):
        addon("takes.take").Take.load(tmp_path)


def test_every_way_to_color_a_shot_in_background_blender_places_its_strips(
    scenario: Scenario, server: RunningServer, tmp_path: Path
) -> None:
    answer = scenario("color.color_shot", str(tmp_path / "shot"), server.address)

    def images(folder: str, layer: str, channel: int, blend: str) -> dict[str, Any]:
        return {
            "type": "IMAGE",
            "channel": channel,
            "range": [1, 7],
            "blend": blend,
            "mute": False,
            "directory": f"//{folder}/{layer}/",
            "files": [f"{frame:04d}.png" for frame in range(1, 7)],
        }

    def layers(folder: str, channel: int) -> list[dict[str, Any]]:
        return [
            images(folder, "fills", channel, "ALPHA_OVER"),
            images(folder, "lines", channel + 1, "ALPHA_OVER"),
        ]

    def meta(channel: int) -> dict[str, Any]:
        return {
            "type": "META",
            "channel": channel,
            "range": [1, 7],
            "blend": "ALPHA_OVER",
            "mute": False,
            "strips": layers("take", 1),
        }

    assert answer["meta strip"] == [meta(1)]
    chosen = answer["two strips in the folder of the preferences"]
    folder = chosen[0]["directory"].split("/")[3]
    assert re.fullmatch(r"Crossing-\d{8}-\d{6}", folder)
    assert chosen == layers(f"longanimation/{folder}", 2)
    assert answer["terminal"] == layers("terminal", 4)
    assert answer["status"] == 0
    assert answer["fetched"] == [meta(6)]
    assert answer["saved"] == 5, "the terminal's command saves the file, with the strips so far"


def test_a_shot_with_errors_is_colored_only_if_someone_accepts_them(
    scenario: Scenario, server: RunningServer, tmp_path: Path
) -> None:
    answer = scenario("color.accept_errors", str(tmp_path / "shot"), server.address)
    assert "The keyframe is completely transparent" in answer["refused"]
    assert "turn on Accept Errors" in answer["refused"]
    assert answer["terminal"] == [1, 0]
    assert answer["kept"] is False, "an argument does not change the file"
    assert answer["accepted"] == ["FINISHED"]


@pytest.mark.parametrize("save", [True, False])
def test_a_shot_that_was_sent_before_blender_was_closed_is_finished_when_its_file_is_opened_again(
    scenario: Scenario, server: RunningServer, tmp_path: Path, home: Path, save: bool
) -> None:
    pause = home / "data" / "pause"
    pause.touch()
    seed = uuid.uuid4().int % 2**31  # a job that reuses another test's segments is done before Blender is closed
    job = scenario("color.send", str(tmp_path / "shot"), server.address, seed, save)
    pause.unlink()
    answer = scenario("color.reopen", str(tmp_path / "shot"))
    assert answer["takes"] == {job: "done"}
    (meta,) = answer["strips"]
    fills, _ = meta["strips"]
    assert fills["files"] == [f"{frame:04d}.png" for frame in range(1, 17)]
    assert not (tmp_path / "shot" / "take" / "fills" / "pending.png").exists()
