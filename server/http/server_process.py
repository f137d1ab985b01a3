# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that serves the application, with TLS in front of it and worker processes next to it."""

import os
import signal
import socket
import sys
from functools import partial
from typing import Any

from flask import Flask

from server.arenas import limit_arenas
from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, WEBHOOK_SECRET_VARIABLE, Config, ConfigError
from server.http import api, app, security
from server.http.api import MOST_DOWNLOADS, health
from server.http.dashboard.stream import MOST_STREAMS
from server.http.tls import TlsFront
from server.http.wsgi_server import WsgiServer
from server.jobs.housekeeping import Housekeeping
from server.jobs.supervisor import Supervisor
from server.jobs.webhooks import Webhooks
from server.processors import thread_limits, usable_cores
from server.storage.database import open_database

THREADS = 8 + MOST_STREAMS + MOST_DOWNLOADS
"""Threads for requests that are answered at once, plus one for each answer that lasts as long as its client reads."""


def serve(config: Config, workers: int) -> None:
    """Serve until interrupted, with `workers` worker processes. Raises ConfigError."""
    limit_arenas()
    application = app.create_app(config)
    services = api.services_of(application)
    server, front = _listen(application, config)
    command = partial(worker_command, config)
    supervisor = Supervisor(services.heartbeats, command, workers, worker_environment(config, workers))
    stored = (services.catalogue, services.blobs, services.integrity)
    housekeeping = Housekeeping(services.jobs, services.films, *stored, config.retention)

    def stop(*_: object) -> None:
        if not services.closing.is_set():
            services.closing.set()
            server.stop()

    for request in (signal.SIGTERM, signal.SIGINT):  # a shell may have started us with SIGINT ignored
        signal.signal(request, stop)
    webhooks = None if config.webhook is None else Webhooks(open_database(config), config.webhook)
    if webhooks is not None:
        health.watch(application, "webhook", webhooks.is_well)
        webhooks.start()
    health.watch(application, "housekeeping", housekeeping.is_well)
    health.watch(application, "supervisor", supervisor.is_well)
    supervisor.start()
    housekeeping.start()
    try:
        shown = f"[{config.host}]" if ":" in config.host else config.host
        address = f"http://{shown}:{server.port}" if front is None else f"https://{shown}:{front.port}"
        sys.stdout.write(f"LongAnimation Color is listening on {address}\n")
        sys.stdout.flush()
        server.run()
    finally:
        if front is not None:
            front.stop()
        if webhooks is not None:
            webhooks.stop()
        supervisor.stop()
        housekeeping.stop()
        server.close()


def _listen(application: Flask, config: Config) -> tuple[WsgiServer, TlsFront | None]:
    """Listen as `config` says. TLS is terminated in front of the server, which does not support it and then listens
    only on this machine. Raises ConfigError."""
    options: dict[str, Any] = {
        "threads": THREADS,
        "max_request_body_size": config.limits.blob_bytes,
        "ident": "LongAnimation Color",
        "admits": partial(security.admits, application),
        "urgent": security.OPEN,
    }
    if config.proxied:
        options |= {
            "trusted_proxy": "127.0.0.1",
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
            "clear_untrusted_proxy_headers": True,
        }
    try:
        host = _resolve(config.host)
        if config.certificate is None or config.key is None:
            return WsgiServer(application, host, config.port, url_scheme="http", **options), None
        server = WsgiServer(application, "127.0.0.1", 0, url_scheme="https", **options)
        front = TlsFront(host, config.port, ("127.0.0.1", server.port), config.certificate, config.key)
        server.stand_behind(front.find_client)
        front.start()
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {config.host}:{config.port} ({error.strerror}): stop the program that uses that port, "
            "or choose another with --listen HOST:PORT."
        ) from error
    return server, front


def _resolve(host: str) -> str:
    """Return one address of a host, IPv4 if it has one. A name may have several addresses, and the server uses one."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(min(found, key=lambda one: one[0] != socket.AF_INET)[4][0])


def worker_command(config: Config, number: int, name: str) -> list[str]:
    """Return the command line of worker `number` for the server of `config`. It does not contain addresses that may
    include passwords; see `worker_environment`."""
    command = [sys.executable, "-m", "server", "worker", "--supervised", "--name", name]
    command += ["--device", config.device, "--index", str(number), "--memory-mode", config.memory_mode]
    command += ["--log-format", config.log_format, "--log-level", config.log_level]
    return [*command, "--data", str(config.data)]


def worker_environment(config: Config, workers: int) -> dict[str, str]:
    """Return the environment of the workers for the server of `config`, without the webhook's secret. They share the
    cores that it may use."""
    environment = thread_limits(usable_cores() // max(1, workers)) | os.environ
    environment |= {DATABASE_VARIABLE: config.database, BLOBS_VARIABLE: config.blobs}
    return {name: value for name, value in environment.items() if name != WEBHOOK_SECRET_VARIABLE}
