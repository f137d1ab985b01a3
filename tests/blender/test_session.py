# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's way through a real server process, whose worker colours with the server tests' stand-in for the model."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.timing import expose
from tests.demo.blender import ROOT
from tests.demo.server_process import RunningServer, running_server

from .conftest import Scenario

Import = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's data folder."""
    return tmp_path_factory.mktemp("server") / "data"


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[RunningServer]:
    """A running server with a worker that needs no weights."""
    with running_server(data, data.with_name("server.log"), "--workers", "0") as running:
        command = [sys.executable, "-m", "tests.server.engine", str(data), f"test-{uuid.uuid4().hex}"]
        worker = subprocess.Popen(command, cwd=ROOT)
        yield running
        worker.kill()
        worker.wait()


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
    manifest = addon("shared.protocol").ShotManifest(
        name="Three drawings",
        frame_start=10,
        fps=24.0,
        width=48,
        height=32,
        drawings=tuple(dict.fromkeys(addresses)),
        timing=expose(10, addresses).drawing_of,
        keyframes=(addon("shared.protocol").Keyframe(12, address(painted)),),
    )
    taken = addon("takes.take").Take(folder, str(uuid.uuid4()), manifest)
    taken.save()
    return taken


def _with(take: Any, **changes: Any) -> Any:
    return replace(take, manifest=replace(take.manifest, **changes))


def _outcome(addon: Import, server: RunningServer, take: Any, **arguments: Any) -> list[Any]:
    session = addon("remote.session").Session(addon("remote.client").Client(server.address), take, **arguments)
    session.start()
    return list(session.wait())


def test_every_frame_comes_back_under_its_number_and_only_then_the_folder_appears(
    addon: Import, server: RunningServer, take: Any
) -> None:
    messages = _outcome(addon, server, take)
    assert isinstance(messages[-1], addon("remote.session").Finished), messages[-1]
    assert sorted(path.name for path in take.colored.iterdir()) == [f"{frame:04d}.png" for frame in range(10, 16)]
    assert (take.colored / "0010.png").read_bytes() == (take.colored / "0011.png").read_bytes()
    assert Image.open(take.colored / "0014.png").size == (48, 32)
    fractions = [message.fraction for message in messages[:-1]]
    assert fractions == sorted(fractions)
    assert not list(take.folder.glob(".colored-*"))


def test_a_take_can_be_fetched_later_from_its_folder_alone(addon: Import, server: RunningServer, take: Any) -> None:
    _outcome(addon, server, take)
    for path in take.colored.iterdir():
        path.unlink()
    take.colored.rmdir()
    messages = _outcome(addon, server, addon("takes.take").Take.load(take.folder), resume=True)
    assert isinstance(messages[-1], addon("remote.session").Finished), messages[-1]
    assert len(list(take.colored.iterdir())) == 6


def test_cancelling_stops_the_job_on_the_server_too(addon: Import, server: RunningServer, take: Any) -> None:
    client = addon("remote.client").Client(server.address)
    session = addon("remote.session").Session(client, _with(take, prompt="slow"))
    session.start()
    waiting = session.wait()
    assert any("Colouring" in message.text for message in waiting)
    session.cancel()
    assert isinstance(list(waiting)[-1], addon("remote.session").Cancelled)
    assert client.status(take.job).state == "cancelled"
    assert not take.colored.exists()


def test_a_job_that_fails_is_told_in_the_server_s_words(
    addon: Import, server: RunningServer, take: Any, data: Path
) -> None:
    (data / "fault").touch()
    failed = _outcome(addon, server, _with(take, prompt="fail"))[-1]
    assert isinstance(failed, addon("remote.session").Failed)
    problem = addon("remote.client").Client(server.address).status(take.job).problem
    assert failed.sentence == problem.title
    assert not take.colored.exists()


def test_a_preset_that_the_server_lacks_is_told_in_its_words(addon: Import, server: RunningServer, take: Any) -> None:
    failed = _outcome(addon, server, _with(take, preset="watercolour"))[-1]
    assert isinstance(failed, addon("remote.session").Failed)
    assert "watercolour" in failed.sentence


def test_no_take_in_a_folder_says_what_to_choose(addon: Import, tmp_path: Path) -> None:
    with pytest.raises(addon("errors").ShotError, match=r"choose a folder in which there is a take\.json"):
        addon("takes.take").Take.load(tmp_path)


def test_every_way_to_colour_a_shot_in_background_blender_places_its_strips(
    scenario: Scenario, server: RunningServer, tmp_path: Path
) -> None:
    answer = scenario("color.color_shot", str(tmp_path / "shot"), server.address)

    def strips(folder: str, channel: int) -> list[list[object]]:
        return [[f"//{folder}/colored/", channel, 1, 7], [f"//{folder}/lineart/", channel + 1, 1, 7]]

    assert answer["operator"] == strips("take", 1)
    assert answer["fetched"] == strips("take", 3)
    ((chosen, *_), _) = answer["folder of the preferences"]
    assert re.fullmatch(r"//longanimation/Crossing-\d{8}-\d{6}/colored/", chosen)
    assert answer["terminal"] == strips("terminal", 7)
    assert answer["status"] == 0
    assert (answer["monitor"], answer["failed"]) == (strips("take", 9), [])
    assert answer["saved"] == 8, "the terminal's command saves the file, with the strips so far"
