# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender uses a running server as an extension repository: it installs and updates the add-on from it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from server.config import Config
from server.demo.blender_process import ROOT, command, environment
from server.extension_build import _find_packer
from server.http.api.extensions import MANIFEST
from server.storage.database import open_database
from server.storage.tokens import Tokens

from .recorder import recorded

LISTING = "/extensions/index.json"
_SECONDS = 300

Serve = Callable[..., str]
InBlender = Callable[..., Any]


def versioned(archive: Path, folder: Path, version: str) -> Path:
    """Write a copy of the built add-on that has another version, and tells it in its code."""
    folder.mkdir(exist_ok=True)
    copy = folder / f"longanimation_color-{version}.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == MANIFEST:
                lines = content.decode().splitlines()
                told = (f'version = "{version}"' if one.startswith("version =") else one for one in lines)
                content = "\n".join(told).encode()
            elif name == "__init__.py":
                content += f'\nVERSION = "{version}"\n'.encode()
            target.writestr(name, content)
    return copy


@pytest.fixture
def archives(tmp_path: Path, built_extension: Path) -> Path:
    """The folder of a server's extensions, with the add-on as built."""
    folder = tmp_path / "dist"
    folder.mkdir()
    shutil.copy2(built_extension, folder)
    return folder


@pytest.fixture
def serve(tmp_path: Path, archives: Path) -> Iterator[Serve]:
    """Start a server process with the extensions of `archives` and its log in `server.log`; returns its address."""
    started = []

    def start(*options: str) -> str:
        program = [sys.executable, "-m", "tests.blender.repository_server", str(tmp_path / "data"), str(archives)]
        with (tmp_path / "server.log").open("w") as log:
            process = subprocess.Popen([*program, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, (tmp_path / "server.log").read_text()
        return line[line.index("http://") :].strip()

    yield start
    for process in started:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture
def in_blender(blender: Path, tmp_path: Path) -> InBlender:
    """Call a function of `repository_scenarios` in a new Blender with a user folder of its own; returns what it
    returns, and what Blender said."""

    def run(name: str, *arguments: str) -> tuple[Any, str]:
        answer = tmp_path / "answer.json"
        result = subprocess.run(
            command(blender, "tests.blender.repository_scenarios", "run", name, str(answer), *arguments),
            env=environment(tmp_path / "user"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        said = result.stdout + result.stderr
        assert result.returncode == 0, said
        return json.loads(answer.read_text(encoding="utf-8")), said

    return run


WORKS = {"enabled": True, "operator": True, "scene settings": True}


@pytest.mark.parametrize("path", ["", LISTING])
def test_blender_installs_the_add_on_from_the_servers_address(serve: Serve, in_blender: InBlender, path: str) -> None:
    address = serve()
    found, said = in_blender("install", address + path)
    assert found == WORKS | {"version": None, "server": [address, ""]}, said


def test_blender_updates_the_add_on_and_keeps_its_preferences(
    serve: Serve, in_blender: InBlender, archives: Path, built_extension: Path, tmp_path: Path
) -> None:
    (archives / built_extension.name).unlink()
    versioned(built_extension, archives, "0.9.0")
    newer = versioned(built_extension, tmp_path / "newer", "0.10.0")  # after 0.9.0, though its name comes before
    address = serve()
    (installed, updated, asked_again), said = in_blender("update", address, str(archives), str(newer))
    assert installed == WORKS | {"version": "0.9.0", "server": [address, ""]}, said
    chosen = ["http://studio.example:7860", ""]
    assert updated == WORKS | {"version": "0.10.0", "server": chosen, "keeps its address": True}, said
    assert asked_again == updated
    assert said.count("STATUS Installed") + said.count("STATUS Reinstalled") == 2, said


def test_blender_is_refused_without_a_token_and_served_with_one(
    serve: Serve, in_blender: InBlender, tmp_path: Path
) -> None:
    token = Tokens(open_database(Config(tmp_path / "data"))).create("studio", "submit")
    with recorded(serve("--proxied")) as (address, asked):
        refused, said = in_blender("install", address)
        assert not refused["enabled"] and "401" in said
        assert {one.status for one in asked} == {401}
        wrong, said = in_blender("install", address, token + "x")
        assert not wrong["enabled"] and "401" in said
        asked.clear()
        found, said = in_blender("install", address, token)
    assert found == WORKS | {"version": None, "server": [address, token]}, said
    listing, archive = asked
    assert archive.path.startswith("/extensions/longanimation_color-")
    assert listing.headers["Accept"] == "application/json" and "Accept" not in archive.headers
    for one in asked:
        assert one.status == 200
        assert one.headers["Authorization"] == f"Bearer {token}" and token not in one.path
        assert one.headers["User-Agent"].startswith("Blender/")


def test_the_listing_is_the_one_that_blenders_own_tool_makes(
    serve: Serve, archives: Path, blender: Path, tmp_path: Path
) -> None:
    spoil(archives)
    generated = shutil.copytree(archives, tmp_path / "generated")
    tool = [*map(str, _find_packer(blender)), "server-generate", "--repo-dir", str(generated)]
    subprocess.run(tool, capture_output=True, check=True)
    wanted = json.loads((generated / "index.json").read_text(encoding="utf-8"))
    assert len(wanted["data"]) == 1
    assert requests.get(serve() + LISTING, timeout=30).json() == wanted


def test_damaged_archives_are_left_out_and_named_in_the_log(
    serve: Serve, in_blender: InBlender, archives: Path, tmp_path: Path
) -> None:
    damaged = spoil(archives)
    address = serve()
    found, said = in_blender("install", address)
    assert found == WORKS | {"version": None, "server": [address, ""]}, said
    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    told = [line for line in log.splitlines() if "is not a Blender extension" in line]
    assert sorted(damaged) == sorted(name for name in damaged for line in told if name in line), log
    assert any("no-fields.zip" in line and "maintainer: Field required" in line for line in told), log


def spoil(archives: Path) -> list[str]:
    """Put archives beside the add-on that are none, or not of a whole extension; return their names."""
    (whole,) = archives.iterdir()
    with zipfile.ZipFile(whole) as source:
        manifest = source.read(MANIFEST).decode()
    manifests = {
        "other": None,
        "no-fields": 'id = "color"\nversion = "1.2.3"\n',
        "no-toml": "id = = 1",
        "no-text": b"\xff\xfe",
        "no-version": manifest.replace('version = "0', 'version = "next 0'),
        "no-name": manifest.replace('name = "', 'name = "\\u0007'),
        "no-permissions": manifest.replace('network = "', 'network = 1 # "'),
        "no-tags": manifest.replace("tags = [", 'tags = "a" # '),
    }
    for name, content in manifests.items():
        assert content != manifest
        with zipfile.ZipFile(archives / f"{name}.zip", "w") as archive:
            archive.writestr("readme.txt" if content is None else MANIFEST, content or "")
    (archives / "empty.zip").touch()
    (archives / "half.zip").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return [path.name for path in archives.iterdir() if path != whole]
