# SPDX-License-Identifier: GPL-3.0-or-later
"""`GET /metrics` for Prometheus: the requests of this process, and the contents of the database at that moment. Labels
never have values that clients could make up."""

from collections.abc import Callable, Iterator

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from server import __version__
from server.storage.statistics import Statistics
from shared.protocol import PROTOCOL_VERSION

from . import Services, require_admin
from .request_log import Access

NAMESPACE = "longanimation"


def register(app: Flask, services: Services, statistics: Statistics) -> Callable[[Access], None]:
    """Add the address `/metrics` to `app`. Return a function to be called for every answer."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_Stock(services, statistics))
    answers = Counter(
        "http_requests", "Answered requests.", ("method", "path", "status"), namespace=NAMESPACE, registry=registry
    )
    seconds = Histogram(
        "http_request_seconds",
        "Time until an answer began.",
        ("method", "path"),
        namespace=NAMESPACE,
        registry=registry,
    )

    @app.get("/metrics", endpoint="metrics")
    def _metrics() -> Response:
        require_admin()
        encode, media_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=media_type)

    def observe(access: Access) -> None:
        answers.labels(access.method, access.path, str(access.status)).inc()
        seconds.labels(access.method, access.path).observe(access.seconds)

    return observe


class _Stock(Collector):
    """The current state of the server, read when Prometheus asks."""

    def __init__(self, services: Services, statistics: Statistics) -> None:
        self._services = services
        self._statistics = statistics

    def describe(self) -> list[Metric]:
        """Return no metrics in advance. Otherwise the registry would query the database before it is needed."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield each metric. Some are omitted if they have no value."""
        build = _gauge("build_info", "The version of the server and of its protocol.", "version", "protocol")
        build.add_metric([__version__, str(PROTOCOL_VERSION)], 1)
        yield build
        yield from self._work()
        yield from self._workers()
        yield from self._room()

    def _work(self) -> Iterator[Metric]:
        jobs = _gauge("jobs", "Stored jobs.", "queue", "state")
        for (queue, state), count in self._statistics.jobs().items():
            jobs.add_metric([queue, state], count)
        paused = _gauge("queue_paused", "1 if no job of the queue may begin.", "queue")
        for one in self._services.jobs.queues():
            paused.add_metric([one.name], one.paused)
        segments = _gauge("segments", "Finished segments of the stored jobs.", "queue", "reused")
        seconds = _gauge("segment_seconds", "Time that was needed to color those segments.", "queue", "reused")
        for found in self._statistics.segments():
            labels = [found.queue, str(found.reused).lower()]
            segments.add_metric(labels, found.count)
            seconds.add_metric(labels, found.seconds)
        yield from (jobs, paused, segments, seconds)

    def _workers(self) -> Iterator[Metric]:
        workers = _gauge("workers", "Workers that are alive.", "device")
        total = _gauge("device_memory_bytes", "Memory of the devices of live workers.", "device", "host", "title")
        free = _gauge("device_memory_free_bytes", "How much of it is free.", "device", "host", "title")
        alive = self._services.heartbeats.alive()
        kinds = [worker.device.kind for worker in alive]
        for kind in sorted(set(kinds)):
            workers.add_metric([kind], kinds.count(kind))
        # Workers on one CPU share its memory. Each GPU has its own memory and one worker.
        devices: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        for worker in alive:
            key = (worker.device.kind, worker.host, worker.device.title)
            devices.setdefault(key, []).append((worker.device.memory_total, worker.device.memory_free))
        for key, memories in devices.items():
            counted = memories[:1] if key[0] == "cpu" else memories
            total.add_metric(key, sum(one for one, _ in counted))
            free.add_metric(key, sum(one for _, one in counted))
        yield from (workers, total, free)

    def _room(self) -> Iterator[Metric]:
        count, size = self._services.blobs.usage()
        yield GaugeMetricFamily(f"{NAMESPACE}_blobs", "Stored images and states.", count)
        yield GaugeMetricFamily(f"{NAMESPACE}_blob_bytes", "Their bytes.", size)
        lost = self._services.blobs.lost()
        yield GaugeMetricFamily(f"{NAMESPACE}_blobs_lost", "Those that are lost or damaged in the store.", lost)
        free = self._services.blobs.free_bytes
        if free is not None:
            yield GaugeMetricFamily(f"{NAMESPACE}_disk_free_bytes", "Free space on the disk of the blobs.", free)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{NAMESPACE}_{name}", text, labels=labels)
