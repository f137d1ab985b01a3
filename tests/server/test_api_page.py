# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of docs/api.md work unchanged with a real server."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.config import DEFAULT_PORT, REPOSITORY
from shared.codec import from_json, to_json
from shared.protocol import Problem

from .conftest import Site, png

PAGE = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    """Return the one block of code in a language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(code)


@pytest.fixture
def run(site: Site, start_worker: Callable[[], Any], tmp_path: Path) -> Callable[..., Path]:
    """Run a command with an example as its input, beside the images that the page speaks of; return the folder."""
    start_worker()
    folder = tmp_path / "script"
    folder.mkdir()
    for index in range(2):
        drawing = np.full((540, 960), 255, np.uint8)
        drawing[:, 100 * index + 100] = 0
        (folder / f"{index + 1:04}.png").write_bytes(png(drawing))
    (folder / "painted.png").write_bytes(png(np.full((540, 960, 3), (200, 60, 30), np.uint8)))

    def start(language: str, *command: str) -> Path:
        address = f"http://127.0.0.1:{DEFAULT_PORT}"
        assert address in example(language)
        code = example(language).replace(address, site.root)
        done = subprocess.run(command, input=code, cwd=folder, text=True, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return folder

    return start


def test_the_shot_that_python_sends_comes_back_frame_by_frame(site: Site, run: Callable[..., Path]) -> None:
    folder = run("python", sys.executable, "-")
    (job,) = site.call("GET", "/jobs", 200)
    assert (job["state"], job["name"], job["frame_end"]) == ("done", "Walk", 4)
    written = {int(path.stem.removeprefix("colored_")): path.read_bytes() for path in folder.glob("colored_*.png")}
    assert written == site.frames(job["id"]) and len(written) == 4


def test_python_is_shown_in_about_thirty_lines() -> None:
    assert len([line for line in example("python").splitlines() if line]) <= 32


def test_the_shot_that_curl_sends_comes_back_as_an_archive(site: Site, run: Callable[..., Path]) -> None:
    if lacking := [tool for tool in ("sh", "curl", "sha256sum", "python3") if shutil.which(tool) is None]:
        pytest.skip(f"the example for curl was not run: {', '.join(lacking)} cannot be found here; install it")
    folder = run("sh", "sh", "-e", "-s")
    (job,) = site.call("GET", "/jobs", 200)
    with zipfile.ZipFile(folder / "walk.zip") as archive:
        frames = {int(Path(name).stem): archive.read(name) for name in archive.namelist()}
    assert frames == site.frames(job["id"]) and len(frames) == 4


def test_the_palette_that_curl_stores_has_two_versions(site: Site, run: Callable[..., Path]) -> None:
    if lacking := [tool for tool in ("sh", "curl") if shutil.which(tool) is None]:
        pytest.skip(f"the example for curl was not run: {', '.join(lacking)} cannot be found here; install it")
    run("bash", "sh", "-e", "-s")
    assert [one["version"] for one in site.call("GET", "/palettes/Bears/versions", 200)] == [2, 1]
    assert site.call("GET", "/palettes/Bears", 200)["swatches"][0] == {"name": "Fur", "color": "#2b1e28"}


def test_the_error_that_is_shown_has_the_shape_of_one() -> None:
    shown = json.loads(example("json"))
    assert to_json(from_json(Problem, shown)) | {"missing": []} == shown
