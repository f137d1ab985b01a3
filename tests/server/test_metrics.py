# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus gets the right numbers, and nothing else."""

import uuid
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from server import __version__
from server.config import Config
from server.http.app import create_app
from server.storage.database import open_database
from server.storage.heartbeats import Device, Heartbeats
from server.storage.tokens import Tokens
from shared.codec import to_json
from shared.protocol import API_PREFIX

from .conftest import Site, SmallShot
from .test_jobs import StartWorker


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples of a scrape, as Prometheus' own parser reads them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    """The value of one sample, or None."""
    return samples(text).get((f"longanimation_{name}", frozenset(labels.items())))


def scrape(client: FlaskClient) -> str:
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.mimetype == "text/plain"
    return answer.text


def test_requests_are_counted_by_their_pattern_and_by_nothing_that_a_client_makes_up(tmp_path: Path) -> None:
    client = create_app(Config(tmp_path)).test_client()
    ids = [str(uuid.uuid4()) for _ in range(3)]
    for one in ids:
        assert client.get(f"{API_PREFIX}/jobs/{one}?secret=query").status_code == 404
        assert client.get(f"/made/up/{one}").status_code == 404
        client.open("/", method=f"X{one[:4]}")
    text = scrape(client)
    path = f"{API_PREFIX}/jobs/<uuid:job_id>"
    assert value(text, "http_requests_total", method="GET", path=path, status="404") == 3
    assert value(text, "http_requests_total", method="GET", path="unknown", status="404") == 3
    assert value(text, "http_request_seconds_count", method="GET", path=path) == 3
    assert not [one for one in (*ids, "secret", "/made/up") if one in text]
    methods = {dict(labels).get("method") for _, labels in samples(text)}
    assert methods == {None, "GET", "unknown"}


def test_refused_requests_are_counted_too(tmp_path: Path) -> None:
    admin = Tokens(open_database(Config(tmp_path))).create("boss", "admin")
    client = create_app(Config(tmp_path, host="0.0.0.0")).test_client()
    assert client.get(f"{API_PREFIX}/info").status_code == 401
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {admin}"})
    path = f"{API_PREFIX}/info"
    assert value(answer.text, "http_requests_total", method="GET", path=path, status="401") == 1
    assert "boss" not in answer.text


def test_where_tokens_are_needed_only_an_admin_s_may_ask(tmp_path: Path) -> None:
    tokens = Tokens(open_database(Config(tmp_path)))
    submitter, admin = tokens.create("anna", "submit"), tokens.create("boss", "admin")
    client = create_app(Config(tmp_path, host="0.0.0.0")).test_client()
    assert client.get("/metrics").status_code == 401
    for token, status in ((submitter, 403), (admin, 200)):
        assert client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == status


def test_two_applications_of_one_process_count_for_themselves(tmp_path: Path) -> None:
    apps: list[Flask] = [create_app(Config(tmp_path / name)) for name in ("one", "other")]
    apps[0].test_client().get("/healthz")
    counts = [
        value(scrape(app.test_client()), "http_requests_total", method="GET", path="/healthz", status="200")
        for app in apps
    ]
    assert counts == [1, None]


def test_jobs_blobs_and_the_queue_are_told_as_they_are_now(tmp_path: Path) -> None:
    client, shot = create_app(Config(tmp_path)).test_client(), SmallShot()
    for address, content in shot.blobs.items():
        client.put(f"{API_PREFIX}/blobs/{address}", data=content)
    job = f"{API_PREFIX}/jobs/{uuid.uuid4()}"
    assert client.put(job, json=to_json(shot.manifest)).status_code == 201
    client.post(f"{API_PREFIX}/queues/cpu/pause")
    text = scrape(client)
    assert value(text, "jobs", queue="cpu", state="queued") == 1
    assert value(text, "queue_paused", queue="cpu") == 1
    assert value(text, "blobs") == len(shot.blobs)
    assert value(text, "blob_bytes") == sum(map(len, shot.blobs.values()))
    assert value(text, "disk_free_bytes")
    assert value(text, "build_info", version=__version__, protocol="1") == 1
    assert ("process_resident_memory_bytes", frozenset()) in samples(text)
    client.post(f"{job}/cancel")
    client.post(f"{API_PREFIX}/queues/cpu/resume")
    text = scrape(client)
    assert (value(text, "jobs", queue="cpu", state="queued"), value(text, "queue_paused", queue="cpu")) == (None, 0)
    assert value(text, "jobs", queue="cpu", state="cancelled") == 1
    assert shot.manifest.name not in text and "walk" not in text


def test_workers_and_their_memory_are_told_by_device(tmp_path: Path) -> None:
    client = create_app(Config(tmp_path)).test_client()
    heartbeats = Heartbeats(open_database(Config(tmp_path)))
    for name in ("one", "other"):
        heartbeats.beat(f"gpu-{name}", Device("cuda", "NVIDIA A100", 80_000, 30_000))
        heartbeats.beat(f"cpu-{name}", Device("cpu", "x86_64", 25_000, 20_000))
    heartbeats.beat("gone", Device("cuda", "NVIDIA A100", 80_000, 30_000))
    heartbeats.leave("gone")
    text = scrape(client)
    assert (value(text, "workers", device="cuda"), value(text, "workers", device="cpu")) == (2, 2)
    name = "longanimation_device_memory_bytes"
    totals = {dict(labels)["device"]: total for (one, labels), total in samples(text).items() if one == name}
    assert totals == {"cuda": 160_000, "cpu": 25_000}, "two GPUs; two workers on one processor share its memory"
    assert "gpu-one" not in text


@pytest.mark.parametrize("again", [False, True], ids=["colored", "reused"])
def test_finished_segments_and_their_seconds_are_told(
    site: Site, shot: SmallShot, start_worker: StartWorker, again: bool
) -> None:
    start_worker()
    site.wait_for_state(site.submit(shot), "done")
    if again:
        site.wait_for_state(site.submit(shot), "done")
    text = site.session.get(f"{site.root}/metrics", timeout=30).text
    assert value(text, "segments", queue="cpu", reused="false") == 4
    assert value(text, "segments", queue="cpu", reused="true") == (4 if again else None)
    seconds = value(text, "segment_seconds", queue="cpu", reused="false")
    assert seconds is not None and seconds > 0
