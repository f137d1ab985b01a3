# SPDX-License-Identifier: GPL-3.0-or-later
"""The web application: its services and all blueprints."""

from flask import Flask

from server.config import Config
from server.http import api, dashboard, problems, security
from server.http.api import blobs, extensions, frames, health, info, jobs, metrics, palettes, queues, request_log
from server.jobs.client import Jobs
from server.jobs.films import Films
from server.storage.blobs import open_blobs
from server.storage.catalogue import Catalogue
from server.storage.database import answer_soon, open_database
from server.storage.events import Events
from server.storage.frames import Frames
from server.storage.heartbeats import Heartbeats
from server.storage.image_facts import ImageFactsTable
from server.storage.integrity import Integrity
from server.storage.palettes import PaletteLibrary
from server.storage.segments import Segments
from server.storage.sessions import Sessions
from server.storage.statistics import Statistics
from server.storage.tokens import Tokens


def create_app(config: Config) -> Flask:
    """Build the application and open the database of `config`. Raises ConfigError."""
    engine = open_database(config)
    answer_soon(engine)
    tokens = Tokens(engine)
    security.check_exposure(config, tokens)
    app = Flask(__name__, static_folder=None)  # the page has its own
    app.config["MAX_CONTENT_LENGTH"] = config.limits.blob_bytes
    blob_store = open_blobs(engine, config.blobs_url)
    services = api.Services(
        config=config,
        blobs=blob_store,
        image_facts=ImageFactsTable(engine),
        catalogue=Catalogue(engine),
        events=Events(engine),
        frames=Frames(engine),
        segments=Segments(engine),
        heartbeats=Heartbeats(engine),
        jobs=Jobs(engine),
        films=Films(engine, blob_store),
        sessions=Sessions(engine),
        integrity=Integrity(engine),
        palettes=PaletteLibrary(engine),
    )
    api.install(app, services)
    request_log.register(app, metrics.register(app, services, Statistics(engine)))
    security.register(app, config, tokens, services.sessions)
    problems.register(app)
    for module in (health, info, blobs, jobs, frames, palettes, queues, extensions, dashboard):
        app.register_blueprint(module.blueprint)
    return app
