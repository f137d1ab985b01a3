# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests whose times are recorded, and a summary of the times."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import requests

from shared.protocol import API_PREFIX

TIMEOUT = 60.0
Latencies = dict[str, list[float]]
"""Seconds of every request, by endpoint."""


class RequestFailed(Exception):
    """A request got no answer, or a wrong one."""


class Api:
    """One client of a server. Its connection stays open, as the add-on's does. Unlike the add-on, it does not retry."""

    def __init__(self, url: str) -> None:
        self._url = url + API_PREFIX
        self._session = requests.Session()
        self._session.trust_env = False
        self.latencies: Latencies = defaultdict(list)

    def call(self, endpoint: str, method: str, path: str, *statuses: int, **arguments: Any) -> requests.Response:
        """Send a request, read all of its answer, and record the time under `endpoint`. Raises RequestFailed."""
        begin = time.perf_counter()
        try:
            response = self._session.request(method, self._url + path, timeout=TIMEOUT, **arguments)
        except requests.RequestException as error:
            raise RequestFailed(f"{endpoint}: {error}") from error
        self.latencies[endpoint].append(time.perf_counter() - begin)
        if response.status_code not in statuses:
            raise RequestFailed(f"{endpoint}: {response.status_code} {response.text[:300]}")
        return response

    def upload(self, blobs: Mapping[str, bytes]) -> int:
        """Send the blobs, given by address, that the server lacks. Returns how many were sent."""
        missing = self.call("POST /blobs/missing", "POST", "/blobs/missing", 200, json=list(blobs)).json()
        for address in missing:
            self.call("PUT /blobs", "PUT", f"/blobs/{address}", 201, data=blobs[address])
        return len(missing)


def merged(all_latencies: Iterable[Latencies]) -> Latencies:
    """The latencies of several clients together."""
    together: Latencies = defaultdict(list)
    for latencies in all_latencies:
        for endpoint, times in latencies.items():
            together[endpoint] += times
    return together


def summarized(latencies: Latencies) -> dict[str, dict[str, float]]:
    """Count, median, 99th percentile and maximum of each endpoint, in milliseconds."""
    found = {}
    for endpoint, times in sorted(latencies.items()):
        median, late = np.percentile(times, [50, 99])
        found[endpoint] = {
            "count": len(times),
            "p50_ms": 1e3 * float(median),
            "p99_ms": 1e3 * float(late),
            "max_ms": 1e3 * max(times),
        }
    return found
