# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the server answers a few clients while a worker computes on all cores of the machine."""

import threading
import time
import uuid
from pathlib import Path
from typing import Any

from benchmarks.measure import progress
from shared.codec import to_json
from shared.digests import address_of

from .client import Api, RequestFailed, merged, summarized
from .processes import consumption, running, running_server
from .shots import make_shot

CLIENTS = 4
PAUSE_SECONDS = 0.2
FIRST_NUMBER = 20_000_000


def measure(folder: Path, drawings: int, width: int, height: int, seconds: float, minutes: float) -> dict[str, Any]:
    """Color a shot with the preset `tiny` on the CPU, and send requests in the meantime, for `seconds` at most.

    Only requests while the job runs and the worker computes count.
    """
    shot = make_shot(FIRST_NUMBER // drawings, drawings, width, height)
    end = time.monotonic() + 60 * minutes
    stop = threading.Event()
    apis, errors = [], []
    with (
        running_server(folder) as (url, server),
        running(folder / "worker.log", "server", "worker", "--device", "cpu", "--data", str(folder)) as worker,
    ):
        first, job = Api(url), str(uuid.uuid4())
        first.upload(shot.blobs)
        first.call("PUT /jobs/<id>", "PUT", f"/jobs/{job}", 201, json=to_json(shot.manifest))
        progress("A worker loads the preset")
        _wait(first, job, end)
        progress(f"{CLIENTS} clients ask for at most {seconds:.0f} s while it computes")

        def ask(number: int) -> None:
            api = Api(url)
            apis.append(api)
            try:
                while not stop.is_set():
                    _ask(api, job, list(shot.blobs), f"{number} {time.monotonic()}".encode())
                    time.sleep(PAUSE_SECONDS)
            except RequestFailed as error:
                errors.append(str(error))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
        begin = time.monotonic()
        with consumption(server=server, worker=worker) as taken:
            for thread in threads:
                thread.start()
            state = "running"
            while state == "running" and time.monotonic() - begin < seconds:
                time.sleep(PAUSE_SECONDS)
                state = first.call("GET /jobs/<id>", "GET", f"/jobs/{job}", 200).json()["state"]
            stop.set()
            for thread in threads:
                thread.join()
            spent = time.monotonic() - begin
    if state not in ("running", "done"):
        raise AssertionError(f"the job is {state}: see {folder / 'worker.log'}")
    latencies = merged(api.latencies for api in apis)
    everything = {"any": [time for times in latencies.values() for time in times]}
    return {
        "seconds": spent,
        "clients": CLIENTS,
        "errors": len(errors),
        "first_errors": errors[:5],
        **summarized(everything),
        "endpoints": summarized(latencies),
        **taken,
    }


def _wait(api: Api, job: str, end: float) -> None:
    """Wait until the worker has loaded the preset and planned the job."""
    while time.monotonic() < end:
        status = api.call("GET /jobs/<id>", "GET", f"/jobs/{job}", 200).json()
        if status["segments_total"]:
            return
        time.sleep(PAUSE_SECONDS)
    raise RuntimeError("no worker has started the job in time")


def _ask(api: Api, job: str, addresses: list[str], content: bytes) -> None:
    """Send the requests of an add-on and of an open page, and upload something."""
    api.call("GET /info", "GET", "/info", 200)
    api.call("GET /jobs", "GET", "/jobs", 200)
    api.call("GET /jobs/<id>", "GET", f"/jobs/{job}", 200)
    api.call("GET /jobs/<id>/events", "GET", f"/jobs/{job}/events", 200)
    api.call("POST /blobs/missing", "POST", "/blobs/missing", 200, json=addresses)
    api.call("PUT /blobs", "PUT", f"/blobs/{address_of(content)}", 201, data=content)
