# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs from submission to frames, with real processes, through crashes, cancels and failures."""

import io
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import requests
from PIL import Image

from server.coloring.line_art.compositing import NEARLY_BLACK, lay_lines, lines_alone
from server.coloring.line_art.regions import find_regions
from server.jobs.recovery import FATAL_CRASHES
from shared.codec import to_json
from shared.frame_names import name_frames

from .conftest import HEIGHT, WIDTH, Site, SmallShot, png

StartWorker = Callable[[], subprocess.Popen[Any]]


def runs_of(data: Path, segment: int) -> int:
    """How often the stand-in started a segment."""
    log = data / f"segment_{segment}.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def pixels(content: bytes) -> np.ndarray:
    """Decode a PNG."""
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_shot_goes_the_whole_way(site: Site, shot: SmallShot, start_worker: StartWorker) -> None:
    job = site.submit(shot)
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "queued"
    assert site.call("GET", "/info", 200)["queue_length"] == 1
    start_worker()
    status = site.wait_for_state(job, "done")
    assert status["progress"] == pytest.approx(1.0)
    assert (status["segments_done"], status["segments_total"]) == (4, 4)
    assert status["frames_done"] == list(range(101, 117))
    frames = site.frames(job)
    assert frames[101] == frames[102] != frames[103], "frames that hold one drawing are one image"
    with zipfile.ZipFile(io.BytesIO(site.call("GET", f"/jobs/{job}/frames.zip", 200))) as archive:
        assert {int(Path(name).stem): archive.read(name) for name in archive.namelist()} == frames
    with av.open(io.BytesIO(site.film(job))) as film:
        assert (sum(1 for _ in film.decode(video=0)), film.streams.video[0].average_rate) == (16, 24)
    info = site.call("GET", "/info", 200)
    assert (info["devices"], info["queue_length"]) == (["cpu"], 0)
    assert [one["id"] for one in site.call("GET", "/jobs", 200)] == [job]


def test_events_are_numbered_and_continue_after_a_cursor(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot, prompt="slow")
    start_worker()
    site.wait_for_state(job, "done")
    events = site.call("GET", f"/jobs/{job}/events", 200)
    numbers = [event["number"] for event in events]
    assert numbers == sorted(set(numbers))
    states = [event["state"] for event in events if event["kind"] == "state"]
    assert states == ["queued", "running", "done"]
    segments = [event for event in events if event["kind"] == "segment"]
    assert [event["segments_done"] for event in segments] == [1, 2, 3, 4]
    assert [event["message"] for event in segments if event["message"]] == [
        "Colors are partly a guess in frames 105 (2.5%)."
    ]
    guesses = [segment["guesses"] for segment in site.call("GET", f"/jobs/{job}/segments", 200)]
    assert guesses == [[], [{"frame": 105, "share": 0.025}], [], []]
    progress = [event["progress"] for event in events]
    assert progress == sorted(progress)
    inside = [event for event in events if event["kind"] == "progress" and event["progress"] * 4 % 1]
    assert inside, "progress is told within a segment too"
    messages = [event["message"] for event in events]
    assert "This is a stand-in." in messages, "what the coloring notes is told"
    noted = events[messages.index("This is segment 2.")]
    assert noted["segments_done"] == 2, "what it notes about a segment is told before the segment is done"
    later = site.call("GET", f"/jobs/{job}/events?after={numbers[2]}", 200)
    assert later == events[3:]


def test_doubts_about_images_are_listed_once_with_their_frames(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    gray = shot.with_keyframe(png(np.full((HEIGHT, WIDTH, 3), 200, np.uint8)))
    dark = shot.with_blob(3, png(np.zeros((HEIGHT, WIDTH), np.uint8)))
    dark.blobs |= gray.blobs
    job = site.submit(dark, keyframes=gray.manifest.keyframes, accept_errors=True)
    start_worker()
    site.wait_for_state(job, "done")
    messages = [event["message"] for event in site.call("GET", f"/jobs/{job}/events", 200)]
    assert [message for message in messages if message.startswith("Frame ")] == [
        "Frame 107: The frame is mostly black: line art is dark on white. Are black and white swapped?",
        "Frame 105: The keyframe has no colors: paint it, or choose another.",
    ]


def test_blank_frames_are_listed(site: Site, shot: SmallShot, start_worker: StartWorker) -> None:
    job = site.submit(shot.with_blob(2, png(np.full((HEIGHT, WIDTH), 255, np.uint8))))
    start_worker()
    site.wait_for_state(job, "done")
    messages = [event["message"] for event in site.call("GET", f"/jobs/{job}/events", 200)]
    shown = [frame for frame, drawing in enumerate(shot.manifest.timing, 101) if drawing == 2]
    assert f"Blank frames show only what stands still: {name_frames(shown)}." in messages


def test_a_frame_can_be_had_as_soon_as_its_segment_is_done(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot, prompt="slow")
    problem = site.call("GET", f"/jobs/{job}/frames/101.png", 404)
    assert problem["code"] == "frame_not_ready"
    start_worker()
    status = site.wait_for_segments(job, 1)
    assert status["state"] == "running"
    assert site.call("GET", f"/jobs/{job}/frames/101.png", 200).startswith(b"\x89PNG")


def test_a_frame_comes_with_its_lines_or_as_the_colors_under_them(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot)
    start_worker()
    site.wait_for_state(job, "done")
    frame, fills = (site.call("GET", f"/jobs/{job}/frames/101.png{layer}", 200) for layer in ("", "?layer=fills"))
    assert site.call("GET", f"/jobs/{job}/frames/101.png?layer=colored", 200) == frame
    line_art = pixels(shot.blobs[shot.manifest.drawings[0]])
    assert line_art.min() < NEARLY_BLACK
    off = np.abs(lay_lines(pixels(fills), line_art).astype(int) - pixels(frame))
    assert off[line_art >= NEARLY_BLACK].max() <= 1  # under black lines the stand-in leaves its color
    lines = pixels(site.call("GET", f"/jobs/{job}/frames/101.png?layer=lines", 200))
    assert np.array_equal(lines, lines_alone(line_art))
    regions = pixels(site.call("GET", f"/jobs/{job}/frames/101.png?layer=regions", 200))
    assert regions.shape[2] == 3 and (regions[line_art == 0] == 0).all()
    assert len(np.unique(regions[line_art == 255].reshape(-1, 3), axis=0)) == find_regions(line_art).count
    assert site.call("GET", f"/jobs/{job}/frames/101.png?layer=ink", 422)["field"] == "layer"


def test_regions_are_shown_by_other_settings_than_the_job_has(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    line_art = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    line_art[:, 14] = 0
    line_art[7:9, 14] = 255  # a break of an eighth of the height
    line_art[2:6, 2:6], line_art[3:5, 3:5] = 0, 255
    job = site.submit(shot.with_blob(0, png(line_art)), gap=0.05, smallest_region=4)
    start_worker()
    site.wait_for_state(job, "done")

    def count(query: str) -> int:
        regions = pixels(site.call("GET", f"/jobs/{job}/frames/101.png?layer=regions{query}", 200))
        return len(np.unique(regions[line_art[..., 0] == 255].reshape(-1, 3), axis=0))

    assert [count(""), count("&gap=0.25"), count("&smallest_region=5")] == [2, 3, 1]
    for query, field in (("gap=wide", "gap"), ("gap=0.3", "gap"), ("smallest_region=0", "smallest_region")):
        address = f"/jobs/{job}/frames/101.png?layer=regions&{query}"
        assert site.call("GET", address, 422)["field"] == field


def test_the_lines_of_a_frame_keep_their_color(site: Site, shot: SmallShot, start_worker: StartWorker) -> None:
    colored = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    colored[:, 4:6] = (220, 40, 40)
    job = site.submit(shot.with_blob(0, png(colored)))
    start_worker()
    site.wait_for_state(job, "done")
    lines = pixels(site.call("GET", f"/jobs/{job}/frames/101.png?layer=lines", 200))
    assert (lines[:, 4:6] == (220, 40, 40, 255)).all() and not lines[:, 6:].any()


def test_trace_lines_are_no_lines_of_a_frame(site: Site, shot: SmallShot, start_worker: StartWorker) -> None:
    colored = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    colored[:, 4:6], colored[:, 10:12] = (220, 40, 40), 0
    job = site.submit(shot.with_blob(0, png(colored)), traces=("#ff0000",))
    start_worker()
    site.wait_for_state(job, "done")
    lines = pixels(site.call("GET", f"/jobs/{job}/frames/101.png?layer=lines", 200))
    assert not lines[:, 4:6, 3].any() and (lines[:, 10:12] == (0, 0, 0, 255)).all()
    frame, fills = (pixels(site.call("GET", f"/jobs/{job}/frames/101.png{name}", 200)) for name in ("", "?layer=fills"))
    assert np.array_equal(frame[:, 4:6], fills[:, 4:6])


def test_a_killed_worker_costs_one_segment_and_no_pixel(site: Site, shot: SmallShot, start_worker: StartWorker) -> None:
    undisturbed = site.submit(shot, prompt="slow")
    worker = start_worker()
    site.wait_for_state(undisturbed, "done")
    frames = site.frames(undisturbed)
    site.call("DELETE", f"/jobs/{undisturbed}", 204)  # or its frames would be taken
    for log in site.data.glob("segment_*.log"):
        log.unlink()

    job = site.submit(shot, prompt="slow")
    site.wait_for_segments(job, 2)
    time.sleep(0.2)  # into the third segment
    worker.kill()  # SIGKILL: nothing of it can clean up
    worker.wait()
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "running"
    start_worker()
    site.wait_for_state(job, "done")
    assert [runs_of(site.data, segment) for segment in range(4)] == [1, 1, 2, 1]
    assert site.frames(job) == frames
    messages = [event["message"] for event in site.call("GET", f"/jobs/{job}/events", 200)]
    assert any("last finished segment" in message for message in messages)


def test_a_cancelled_job_stops_at_a_denoising_step_and_can_go_on_later(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot, prompt="slow")
    start_worker()
    site.wait_for_segments(job, 1)
    assert site.call("POST", f"/jobs/{job}/cancel", 200)["state"] == "cancelled"
    time.sleep(1.5)
    stopped = site.call("GET", f"/jobs/{job}", 200)
    assert (stopped["state"], stopped["segments_done"]) == ("cancelled", 1)
    assert site.call("POST", f"/jobs/{job}/cancel", 409)["code"] == "not_active"

    other = site.submit(shot)
    site.wait_for_state(other, "done")  # the worker is free again

    assert site.call("POST", f"/jobs/{job}/retry", 200)["state"] == "queued"
    assert site.wait_for_state(job, "done")["segments_done"] == 4
    assert site.frames(job) == site.frames(other)
    assert site.call("POST", f"/jobs/{job}/retry", 409)["code"] == "not_retriable"


def test_a_job_cancelled_while_it_waits_never_runs(site: Site, shot: SmallShot, start_worker: StartWorker) -> None:
    job = site.submit(shot)
    site.call("POST", f"/jobs/{job}/cancel", 200)
    start_worker()
    site.wait_for_state(site.submit(shot, seed=5), "done")
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "cancelled"
    assert runs_of(site.data, 0) == 1


def test_a_failed_job_says_why_and_a_retry_keeps_its_finished_segments(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    (site.data / "fault").touch()
    job = site.submit(shot, prompt="fail")
    start_worker()
    status = site.wait_for_state(job, "failed")
    assert "the fault that the test asked for" in status["problem"]["title"]
    assert status["segments_done"] == 1
    (site.data / "fault").unlink()
    time.sleep(0.5)
    assert site.call("POST", f"/jobs/{job}/retry", 200)["problem"] is None
    site.wait_for_state(job, "done")
    assert runs_of(site.data, 0) == 1


def test_a_deleted_job_is_gone_and_stops(site: Site, shot: SmallShot, start_worker: StartWorker) -> None:
    job = site.submit(shot, prompt="slow")
    start_worker()
    site.wait_for_segments(job, 1)
    site.call("DELETE", f"/jobs/{job}", 204)
    assert site.call("GET", f"/jobs/{job}", 404)["code"] == "unknown_job"
    site.wait_for_state(site.submit(shot), "done")
    assert runs_of(site.data, 3) == 1


def test_a_worker_that_is_told_to_stop_leaves_its_job_to_the_next_without_blame(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot, prompt="slow")
    for _ in range(FATAL_CRASHES + 1):  # more often than a crash would be forgiven
        worker = start_worker()
        site.wait_for_state(job, "running")
        done = site.call("GET", f"/jobs/{job}", 200)["segments_done"]
        site.wait_for_segments(job, done + 1)
        worker.terminate()
        assert worker.wait(20) == 0
    start_worker()
    site.wait_for_state(job, "done")


def test_submitting_the_same_shot_twice_is_one_job(site: Site, shot: SmallShot) -> None:
    job = site.submit(shot)
    site.call("PUT", f"/jobs/{job}", 200, json=to_json(shot.manifest))
    assert len(site.call("GET", "/jobs", 200)) == 1
    other = to_json(replace(shot.manifest, seed=7))
    assert site.call("PUT", f"/jobs/{job}", 409, json=other)["code"] == "job_exists"


def test_the_same_submission_twice_at_once_is_one_job(site: Site, shot: SmallShot) -> None:
    site.upload(shot)
    url, body = f"{site.url}/jobs/{uuid.uuid4()}", to_json(shot.manifest)
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: requests.put(url, json=body, timeout=30).status_code, range(6)))
    assert sorted(answers) == [200, 200, 200, 200, 200, 201]


def test_jobs_survive_a_restart_of_the_server(
    serve: Callable[..., Site],
    shot: SmallShot,
    processes: list[subprocess.Popen[Any]],
    start_worker: StartWorker,
) -> None:
    job = serve("--workers", "0").submit(shot)
    processes[0].kill()
    processes[0].wait()
    site = serve("--workers", "0")
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "queued"
    start_worker()
    site.wait_for_state(job, "done")


def test_an_unknown_job_is_not_found(site: Site) -> None:
    unknown = uuid.uuid4()
    for method, path in (
        ("GET", ""),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("DELETE", ""),
        ("GET", "/frames/1.png"),
    ):
        assert site.call(method, f"/jobs/{unknown}{path}", 404)["code"] == "unknown_job"


def test_the_tiny_preset_colors_a_shot_and_an_interruption_changes_no_pixel(
    serve: Callable[..., Site], shot: SmallShot, processes: list[subprocess.Popen[Any]]
) -> None:
    site = serve("--workers", "1")
    job = site.submit(shot)
    site.wait_for_state(job, "done")
    frames = site.frames(job)
    assert set(frames) == set(range(101, 117))
    site.call("DELETE", f"/jobs/{job}", 204)  # or its frames would be taken
    other = site.submit(shot)
    site.wait(other, lambda status: status["progress"] > 0)
    processes[0].terminate()
    processes[0].wait(30)
    site = serve("--workers", "1")
    site.wait_for_state(other, "done")
    assert site.frames(other) == frames
