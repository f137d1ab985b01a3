# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that openapi-python-client generates from the OpenAPI document colors a shot at a real server."""

import importlib
import io
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shared.codec import to_json

from .conftest import WAIT_SECONDS, Site, SmallShot
from .test_api_page import example

Import = Callable[[str], ModuleType]


@pytest.fixture
def generated(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Generate the client from the running server's document; return what imports its modules."""
    name = f"generated_{uuid.uuid4().hex}"
    config = tmp_path / "config.yaml"
    config.write_text(example("yaml") + "post_hooks: []\n", encoding="utf-8")  # they only format the code
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    command += ["--url", f"{site.url}/openapi.json", "--config", str(config), "--output-path", str(tmp_path / name)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)
    return lambda module: importlib.import_module(f"{name}.{module}")


@pytest.fixture
def call(generated: Import, site: Site) -> Callable[..., Any]:
    """Call an operation of the generated client at the running server, and return what it understood."""
    client = generated("client").Client(base_url=site.root, timeout=60)
    return lambda operation, *arguments, **options: generated(f"api.{operation}").sync(
        *arguments, client=client, **options
    )


def test_a_generated_client_colors_a_shot_fetches_frame_zip_and_film_and_understands_problems(
    site: Site, start_worker: Callable[[], Any], generated: Import, call: Callable[..., Any], shot: SmallShot
) -> None:
    start_worker()
    models, types = generated("models"), generated("types")
    assert "tiny" in [preset.name for preset in call("server.get_info").presets]
    for address in call("blobs.find_missing_blobs", body=list(shot.blobs)):
        call("blobs.put_blob", address, body=types.File(payload=io.BytesIO(shot.blobs[address])))
    job = uuid.uuid4()
    status = call("jobs.submit_job", job, body=models.ShotManifest.from_dict(to_json(shot.manifest)))
    end = time.monotonic() + WAIT_SECONDS
    while status.state not in ("done", "failed") and time.monotonic() < end:
        time.sleep(0.1)
        status = call("jobs.get_job", job)
    assert status.state == "done" and status.frames_done == list(range(101, 117))

    def same(operation: str, path: str, *arguments: Any, **options: Any) -> bool:
        fetched: bytes = call(operation, job, *arguments, **options).payload.read()
        return len(fetched) > 0 and fetched == site.call("GET", f"/jobs/{job}/{path}", 200)

    assert same("frames.get_frame", "frames/105.png", 105)
    assert same("frames.get_frame", "frames/105.png?layer=fills", 105, layer=models.GetFrameLayer.FILLS)
    assert same("frames.get_archive", "frames.zip")
    site.film(str(job))
    assert same("frames.get_video", "video.mp4")

    problem = call("jobs.get_job", uuid.uuid4())
    assert isinstance(problem, models.Problem)
    assert (problem.status, problem.code) == (404, "unknown_job") and problem.title.endswith(".")
