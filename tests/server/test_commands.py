# SPDX-License-Identifier: GPL-3.0-or-later
"""`submit`, `watch` and `fetch` as processes against a real server: what they print, write, repeat and return."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.client.fetch import MARKER
from server.config import Config
from server.storage.catalogue import Catalogue
from server.storage.database import open_database
from server.storage.tokens import Tokens
from shared import xdts
from shared.exposure_sheet import Column, ExposureSheet

from .conftest import Site, SmallShot
from .test_jobs import StartWorker

Processes = list[subprocess.Popen[Any]]


def command(site: Site, *words: str) -> list[str]:
    return [sys.executable, "-m", "server", *words, "--server", site.root]


def run(site: Site, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    env = os.environ | environment
    return subprocess.run(command(site, *words), capture_output=True, text=True, env=env, timeout=120)


@pytest.fixture
def art(tmp_path: Path, shot: SmallShot) -> Path:
    """The small shot as a folder: a drawing for every second frame from 101 on, and `painted_0105.png` beside it."""
    folder = tmp_path / "sc010"
    folder.mkdir()
    for index, address in enumerate(shot.manifest.drawings):
        (folder / f"sc010_{101 + 2 * index:04}.png").write_bytes(shot.blobs[address])
    (tmp_path / "painted_0105.png").write_bytes(shot.blobs[shot.manifest.keyframes[0].blob])
    return folder


def submit(site: Site, art: Path, *words: str) -> str:
    """Submit the folder; return the job's id."""
    done = run(site, "submit", str(art), "--keyframe", str(art.parent / "painted_0105.png"), *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_folder_goes_the_whole_way(site: Site, art: Path, start_worker: StartWorker, tmp_path: Path) -> None:
    job = submit(site, art, "--fps", "12", "--seed", "7", "--priority", "low")
    status = site.call("GET", f"/jobs/{job}", 200)
    assert (status["name"], status["frame_start"], status["frame_end"], status["priority"]) == (
        "sc010",
        101,
        115,
        "low",
    )
    start_worker()
    watched = run(site, "watch", job)
    assert (watched.returncode, watched.stdout) == (0, f"Job {job} is done: 15 frames.\n")
    assert "queued" in watched.stderr and "4 of 4 segments" in watched.stderr
    fetched = run(site, "fetch", job, str(tmp_path / "out"))
    assert fetched.returncode == 0, fetched.stderr
    found = {int(path.stem): path.read_bytes() for path in (tmp_path / "out").glob("*.png")}
    assert found == site.frames(job) and sorted(found) == list(range(101, 116))
    assert found[101] == found[102] != found[103], "a frame without a file shows the drawing before"


def test_an_exposure_sheet_times_a_folder(site: Site, art: Path, engine: sa.Engine, tmp_path: Path) -> None:
    cells = ("", "0101", "0101", "0105", "0103", "", "0101")
    (tmp_path / "cut.xdts").write_bytes(xdts.write(ExposureSheet((Column("sc010", cells),), "Cut", "1", "1")))
    timed = ("--xdts", str(tmp_path / "cut.xdts"))
    job = submit(site, art, *timed, "--gap", "0.1", "--smallest-region", "40")
    manifest = Catalogue(engine).job(job).manifest
    assert (manifest.frame_start, manifest.timing) == (2, (0, 0, 1, 2, 2, 0))
    assert [keyframe.frame for keyframe in manifest.keyframes] == [4]
    assert (manifest.gap, manifest.smallest_region) == (0.1, 40)
    painted = ("--keyframe", str(tmp_path / "painted_0105.png"))
    done = run(site, "submit", str(art), *painted, *timed, "--number", "1")
    assert done.returncode == 2 and "--number and --xdts exclude each other" in done.stderr


def test_a_watched_job_is_told_to_programs_by_event_and_its_end_by_the_exit_code(
    site: Site, art: Path, start_worker: StartWorker, tmp_path: Path
) -> None:
    (tmp_path / "fault").touch()
    job = submit(site, art, "--prompt", "fail")
    start_worker()
    watched = run(site, "watch", job, "--json")
    *events, status = [json.loads(line) for line in watched.stdout.splitlines()]
    assert (watched.returncode, status["state"]) == (1, "failed")
    assert events == site.call("GET", f"/jobs/{job}/events", 200) and status == site.call("GET", f"/jobs/{job}", 200)
    watched = run(site, "watch", job)
    assert watched.returncode == 1 and "the fault that the test asked for" in watched.stdout
    fetched = run(site, "fetch", job, str(tmp_path / "out"))
    assert fetched.returncode == 1 and "4 of 15 frames" in fetched.stderr
    assert len(list((tmp_path / "out").glob("*.png"))) == 4


def test_a_server_that_restarts_meanwhile_is_waited_for(
    serve: Callable[..., Site], art: Path, processes: Processes, start_worker: StartWorker
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = ("--workers", "0", "--listen", f"127.0.0.1:{free.getsockname()[1]}")
    site = serve(*listen)
    job = submit(site, art)
    watching = subprocess.Popen(command(site, "watch", job), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    processes.append(watching)
    assert watching.stderr is not None
    assert "queued" in watching.stderr.readline()
    processes[0].kill()
    processes[0].wait()
    assert "No answer" in watching.stderr.readline()
    serve(*listen)
    start_worker()
    output, _ = watching.communicate(timeout=90)
    assert (watching.returncode, output) == (0, f"Job {job} is done: 15 frames.\n")


def test_fetching_again_sends_only_what_is_absent_or_damaged(
    site: Site, shot: SmallShot, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker()
    job = site.submit(shot)
    site.wait_for_state(job, "done")
    folder = tmp_path / "out"
    assert run(site, "fetch", job, str(folder)).returncode == 0
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "0103.png").unlink()
    (folder / "0107.png").write_bytes(whole["0107.png"][:-1] + b"?")
    kept = (folder / "0101.png").stat().st_mtime_ns
    before = transferred(site)
    assert run(site, "fetch", job, str(folder)).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    assert (folder / "0101.png").stat().st_mtime_ns == kept
    assert transferred(site) - before == 2, "0104 and 0108 are held: they were here"


def transferred(site: Site) -> float:
    """How many frames the server has sent."""
    text = site.session.get(f"{site.root}/metrics", timeout=30).text
    start = "longanimation_http_requests_total"
    lines = [line for line in text.splitlines() if line.startswith(start) and "/frames/" in line and '"200"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_a_folder_of_others_keeps_its_files(site: Site, shot: SmallShot, art: Path, start_worker: StartWorker) -> None:
    start_worker()
    job = site.submit(shot)
    site.wait_for_state(job, "done")
    before = {path.name: path.read_bytes() for path in art.iterdir()}
    refused = run(site, "fetch", job, str(art))
    assert refused.returncode == 2 and "has other files, such as sc010_0101.png" in refused.stderr
    assert {path.name: path.read_bytes() for path in art.iterdir()} == before
    out = art.parent / "out"
    out.mkdir()
    (out / MARKER).write_text('{"job": "another"}')
    refused = run(site, "fetch", job, str(out))
    assert refused.returncode == 2 and "has frames of job another" in refused.stderr


@pytest.mark.skipif(os.name != "posix", reason="other systems have no SIGINT to send")
def test_after_ctrl_c_the_job_goes_on_and_the_command_says_how(
    site: Site, art: Path, processes: Processes, interruptible: None
) -> None:
    job = submit(site, art)
    watching = subprocess.Popen(command(site, "watch", job), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    processes.append(watching)
    assert watching.stderr is not None and "queued" in watching.stderr.readline()
    watching.send_signal(signal.SIGINT)
    _, told = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert f"The job goes on. Watch it again: python -m server watch {job} --server {site.root}" in told
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "queued"


def test_a_token_comes_from_the_environment_or_a_file_and_never_from_the_command_line(
    serve: Callable[..., Site], art: Path, tmp_path: Path
) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("farm")
    site = serve("--workers", "0", "--proxied")
    words = ("submit", str(art), "--keyframe", str(tmp_path / "painted_0105.png"))
    refused = run(site, *words)
    assert refused.returncode == 1 and "requires a token" in refused.stderr and not refused.stdout
    assert run(site, *words, LONGANIMATION_TOKEN=token).returncode == 0
    (tmp_path / "token").write_text(f"{token}\n")
    assert run(site, *words, "--token-file", str(tmp_path / "token")).returncode == 0
    refused = run(site, *words, "--token-file", str(tmp_path / "absent"))
    assert refused.returncode == 2 and "cannot be read" in refused.stderr


def test_what_cannot_be_sent_is_named(site: Site, art: Path, shot: SmallShot, tmp_path: Path) -> None:
    painted = tmp_path / "painted_0105.png"

    def refusal(status: int, *words: str) -> str:
        done = run(site, "submit", str(art), *words)
        assert (done.returncode, done.stdout) == (status, ""), done.stderr
        assert done.stderr.count("Error: ") == 1 and "Traceback" not in done.stderr
        return done.stderr

    assert "There is no keyframe" in refusal(2)
    assert "paints frame 105" not in refusal(2, "--keyframe", f"{painted}@102")
    assert "The frame rate must be positive" in refusal(2, "--keyframe", str(painted), "--fps", "0")
    assert "preset" in refusal(1, "--keyframe", str(painted), "--preset", "absent")
    (art / "sc010_9000101.png").write_bytes(next(iter(shot.blobs.values())))
    assert "more than the 100,000 that the server accepts" in refusal(2, "--keyframe", str(painted))
    (art / "sc010_9000101.png").unlink()
    (art / "sc010_0103.png").write_bytes(b"no image")
    assert "sc010_0103.png" in refusal(2, "--keyframe", str(painted))


def test_an_absent_server_and_an_absent_job_are_reported_at_once(site: Site, tmp_path: Path) -> None:
    absent = "00000000-0000-4000-8000-000000000000"
    for words in (("watch", absent), ("fetch", absent, str(tmp_path / "out"))):
        done = run(site, *words)
        assert done.returncode == 1 and f"You have no job {absent}" in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = Site(f"http://127.0.0.1:{free.getsockname()[1]}", tmp_path)
    done = run(nobody, "watch", absent)
    assert done.returncode == 1 and "Nothing listens on port" in done.stderr
