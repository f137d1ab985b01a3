# SPDX-License-Identifier: GPL-3.0-or-later
"""The web application, and the process that serves it."""

import os
import signal
import socket
import sys
from functools import partial
from typing import Any

import waitress
from flask import Flask

from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, Config, ConfigError
from server.http import api, dashboard, problems, security
from server.http.api import blobs, extensions, frames, health, info, jobs, metrics, queues, request_log
from server.http.dashboard.stream import MOST_STREAMS
from server.http.draining import serve_until
from server.http.tls import TlsFront
from server.jobs.client import Jobs
from server.jobs.housekeeping import Housekeeping
from server.jobs.supervisor import Supervisor
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.database import open_database
from server.storage.events import Events
from server.storage.frames import Frames
from server.storage.heartbeats import Heartbeats
from server.storage.image_facts import ImageFactsTable
from server.storage.segments import Segments
from server.storage.sessions import Sessions
from server.storage.statistics import Statistics
from server.storage.tokens import Tokens

THREADS = 8 + MOST_STREAMS
"""For requests, and one for each page that is told what changes."""


def create_app(config: Config) -> Flask:
    """Build the application; opens the database of `config`. Raises ConfigError."""
    engine = open_database(config)
    tokens = Tokens(engine)
    security.check_exposure(config, tokens)
    app = Flask(__name__, static_folder=None)  # the page has its own
    app.config["MAX_CONTENT_LENGTH"] = config.limits.blob_bytes
    services = api.Services(
        config=config,
        blobs=Blobs(engine, config.blobs_url),
        image_facts=ImageFactsTable(engine),
        catalogue=Catalogue(engine),
        events=Events(engine),
        frames=Frames(engine),
        segments=Segments(engine),
        heartbeats=Heartbeats(engine),
        jobs=Jobs(engine),
        sessions=Sessions(engine),
    )
    api.install(app, services)
    request_log.register(app, metrics.register(app, services, Statistics(engine)))
    security.register(app, config, tokens, services.sessions)
    problems.register(app)
    for module in (health, info, blobs, jobs, frames, queues, extensions, dashboard):
        app.register_blueprint(module.blueprint)
    return app


def serve(config: Config, workers: int) -> None:
    """Serve until interrupted, with `workers` worker processes beside. Raises ConfigError."""
    app = create_app(config)
    services = api.services_of(app)
    front = None
    try:
        host = _address(config.host)
        if config.certificate is None or config.key is None:
            server = _listen(app, config, host, config.port, "http")
            port = server.effective_port
        else:  # TLS ends before waitress, which does not speak it and listens on this machine alone
            server = _listen(app, config, "127.0.0.1", 0, "https")
            backend = ("127.0.0.1", server.effective_port)
            front = TlsFront(host, config.port, backend, config.certificate, config.key)
            front.start()
            port = front.port
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {config.host}:{config.port} ({error.strerror}): stop what uses that port, or choose "
            "another with --listen HOST:PORT."
        ) from error
    command = partial(worker_command, config)
    supervisor = Supervisor(services.heartbeats, command, workers, worker_environment(config))
    housekeeping = Housekeeping(services.jobs, services.catalogue, services.blobs, config.retention)

    def stop(*_: object) -> None:
        if not services.closing.is_set():
            services.closing.set()
            server.pull_trigger()

    for request in (signal.SIGTERM, signal.SIGINT):  # a shell may have started us with SIGINT ignored
        signal.signal(request, stop)
    health.watch(app, "housekeeping", housekeeping.is_alive)
    supervisor.start()
    housekeeping.start()
    try:
        shown = f"[{config.host}]" if ":" in config.host else config.host
        scheme = "http" if front is None else "https"
        sys.stdout.write(f"LongAnimation Color is listening on {scheme}://{shown}:{port}\n")
        sys.stdout.flush()
        serve_until(server, services.closing)
    finally:
        if front is not None:
            front.stop()
        supervisor.stop()
        housekeeping.stop()
        server.close()


def _address(host: str) -> str:
    """Return one address of a host, IPv4 where it has one: a name may stand for several, and we listen once."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(min(found, key=lambda one: one[0] != socket.AF_INET)[4][0])


def _listen(app: Flask, config: Config, host: str, port: int, scheme: str) -> Any:
    server = waitress.create_server(
        app,
        host=host,
        port=port,
        threads=THREADS,
        channel_request_lookahead=1,  # so that waitress tells when a page is closed that is being told what changes
        max_request_body_size=config.limits.blob_bytes,
        ident="LongAnimation Color",
        url_scheme=scheme,
    )
    server.channel_class = problems.ProblemChannel
    return server


def worker_command(config: Config, number: int, name: str) -> list[str]:
    """Return the command line of worker `number` for the server of `config`. Addresses that may hold passwords are not
    in it: see `worker_environment`."""
    command = [sys.executable, "-m", "server", "worker", "--supervised", "--name", name]
    command += ["--device", config.device, "--index", str(number), "--memory-mode", config.memory_mode]
    command += ["--log-format", config.log_format, "--log-level", config.log_level]
    return [*command, "--data", str(config.data)]


def worker_environment(config: Config) -> dict[str, str]:
    """Return the environment of the workers for the server of `config`."""
    return os.environ | {DATABASE_VARIABLE: config.database, BLOBS_VARIABLE: config.blobs}
