# SPDX-License-Identifier: GPL-3.0-or-later
"""The web application, and the process that serves it."""

import signal
import sys
from functools import partial
from types import FrameType
from typing import NoReturn

import waitress
from flask import Flask

from server import api, problems, security, web
from server.api import blobs, extensions, frames, info, jobs
from server.config import Config, ConfigError
from server.jobs.client import Jobs
from server.jobs.supervisor import Supervisor
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.database import open_database
from server.storage.heartbeats import Heartbeats
from server.storage.tokens import Tokens

THREADS = 8


def create_app(config: Config) -> Flask:
    """Build the application; opens the database of `config`. Raises ConfigError."""
    engine = open_database(config)
    tokens = Tokens(engine)
    security.check_exposure(config, tokens)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = config.limits.blob_bytes
    catalogue = Catalogue(engine)
    services = api.Services(
        config=config,
        blobs=Blobs(config.blobs_url),
        catalogue=catalogue,
        heartbeats=Heartbeats(engine),
        jobs=Jobs(engine, catalogue),
    )
    api.install(app, services)
    security.register(app, config, tokens)
    problems.register(app)
    for module in (info, blobs, jobs, frames, extensions, web):
        app.register_blueprint(module.blueprint)
    return app


def serve(config: Config, workers: int) -> None:
    """Serve until interrupted, with `workers` worker processes beside. Raises ConfigError."""
    app = create_app(config)
    try:
        server = waitress.create_server(
            app,
            host=config.host,
            port=config.port,
            threads=THREADS,
            max_request_body_size=config.limits.blob_bytes,
            ident="LongAnimation Color",
        )
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {config.host}:{config.port} ({error.strerror}): stop what uses that port, or choose "
            "another with --listen HOST:PORT."
        ) from error
    server.channel_class = problems.ProblemChannel
    supervisor = Supervisor(api.services_of(app).heartbeats, partial(worker_command, config), workers)
    for request in (signal.SIGTERM, signal.SIGINT):  # a shell may have started us with SIGINT ignored
        signal.signal(request, _interrupt)
    supervisor.start()
    try:
        host = f"[{config.host}]" if ":" in config.host else config.host
        sys.stdout.write(f"LongAnimation Color is listening on http://{host}:{server.effective_port}\n")
        sys.stdout.flush()
        server.run()  # returns on KeyboardInterrupt
    finally:
        supervisor.stop()
        server.close()


def worker_command(config: Config, number: int, name: str) -> list[str]:
    """Return the command line of worker `number` for the server of `config`."""
    command = [sys.executable, "-m", "server", "worker", "--supervised", "--name", name]
    command += ["--device", config.device, "--index", str(number), "--memory-mode", config.memory_mode]
    return [*command, "--data", str(config.data)]


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
