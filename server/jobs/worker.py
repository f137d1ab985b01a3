# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process. It takes jobs of one device class from the queue, one at a time, and films beside them."""

import contextlib
import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from typing import NoReturn

import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer
from dbos import error as dbos_errors

from server import logs
from server.config import Config
from server.storage.blobs import open_blobs
from server.storage.database import open_database
from server.storage.heartbeats import BEAT_SECONDS, Device, Heartbeats

from .client import APPLICATION, FILMS, WORKFLOW_VERSION, add_queue
from .films import FilmMaker
from .recovery import Recovery
from .workflow import JobRunner, LoadColorizer

ProbeDevice = Callable[[], Device]
"""Returns the device that a worker computes on, with the memory that is free now."""

logger = logging.getLogger(__name__)


def run(
    config: Config,
    load_colorizer: LoadColorizer,
    probe_device: ProbeDevice,
    name: str = "",
    supervised: bool = False,
) -> NoReturn:
    """Work until a signal to stop arrives. Never returns. Raises ConfigError.

    load_colorizer: loads the colorizer of a preset. probe_device: returns the device and how much memory is free now.
    name: unique among all past and present workers; generated if empty. supervised: end when standard input closes,
    which happens no matter how the parent ends.
    """
    queue = probe_device().kind
    name = name or f"{queue}-{uuid.uuid4().hex[:12]}"
    logs.identify(worker=name)
    database = open_database(config)
    heartbeats = Heartbeats(database)
    stop = threading.Event()
    _stop_on_request(stop, supervised)

    _configure_dbos(name, database)
    blobs = open_blobs(database, config.blobs_url)
    runner = JobRunner(name, database, blobs, load_colorizer)
    runner.register()
    FilmMaker(database, blobs).register()
    recovery = Recovery(database)
    DBOS.listen_queues([queue, FILMS])
    try:
        heartbeats.beat(name, probe_device())
        DBOS.launch()
        add_queue(DBOS, queue)
        add_queue(DBOS, FILMS)
        logger.info("Worker %s is ready.", name)
        while not stop.is_set():
            try:
                heartbeats.beat(name, probe_device())
                recovery.recover_jobs(name, lambda: runner.current_job)
            except sa.exc.OperationalError as error:  # the disk is full, or the database is temporarily unavailable
                logger.warning("The database does not answer: %s", error.orig)
            stop.wait(BEAT_SECONDS)
    except Exception:  # a process without a heartbeat must not take more jobs
        logger.exception("Worker %s cannot go on.", name)
        logging.shutdown()
        os._exit(1)

    # The current job is durable. Leaving in the middle of a step loses only that step.
    # It is not requeued here, because this process might take it again; the next worker requeues it.
    with contextlib.suppress(sa.exc.OperationalError):  # others then notice a little later
        heartbeats.leave(name)
    logger.info("Worker %s has stopped.", name)
    logging.shutdown()
    os._exit(0)  # a thread that computes cannot be joined


def _configure_dbos(worker: str, database: sa.Engine) -> None:
    DBOS(
        config={
            "name": APPLICATION,
            "application_version": WORKFLOW_VERSION,
            "executor_id": worker,
            "system_database_engine": database,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
        }
    )
    logging.getLogger("dbos").addFilter(_is_no_cancel)


def _is_no_cancel(record: logging.LogRecord) -> bool:
    """Return whether a log record is not the traceback that DBOS logs for a cancelled workflow."""
    return not (record.exc_info and isinstance(record.exc_info[1], dbos_errors.DBOSAwaitedWorkflowCancelledError))


def _stop_on_request(stop: threading.Event, supervised: bool) -> None:
    """Set `stop` on a signal, or, under a supervisor, when the pipe from it closes."""
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Ctrl-C in a terminal also reaches child processes. Under a supervisor, only the supervisor decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN if supervised else lambda *_: stop.set())
    if supervised:

        def wait_for_end() -> None:
            sys.stdin.buffer.read()
            stop.set()

        threading.Thread(target=wait_for_end, daemon=True).start()
