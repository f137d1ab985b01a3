# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process: takes jobs of one device class from the queue, one at a time."""

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
from server.storage.blobs import Blobs
from server.storage.database import open_database
from server.storage.heartbeats import BEAT_SECONDS, Device, Heartbeats

from .client import APPLICATION, WORKFLOW_VERSION, add_queue
from .recovery import Recovery
from .workflow import JobRunner, LoadColorizer

ProbeDevice = Callable[[], Device]
"""Returns what a worker computes on, with the memory that is free now."""

logger = logging.getLogger(__name__)


def run(
    config: Config,
    load_colorizer: LoadColorizer,
    probe_device: ProbeDevice,
    name: str = "",
    supervised: bool = False,
) -> NoReturn:
    """Work until a signal to stop comes; never returns.

    load_colorizer: loads the colorizer of a preset. probe_device: returns what it computes on and how much memory is
    free now. name: unique among all workers that ever were; made up when empty. supervised: end when standard input
    closes, which it does however the parent ends.
    """
    queue = probe_device().kind
    name = name or f"{queue}-{uuid.uuid4().hex[:12]}"
    logs.identify(worker=name)
    database = open_database(config)
    heartbeats = Heartbeats(database)
    stop = threading.Event()
    _stop_on_request(stop, supervised)

    _configure_dbos(name, database)
    runner = JobRunner(name, database, Blobs(database, config.blobs_url), load_colorizer)
    runner.register()
    recovery = Recovery(database)
    DBOS.listen_queues([queue])
    try:
        heartbeats.beat(name, probe_device())
        DBOS.launch()
        add_queue(DBOS, queue)
        logger.info("Worker %s is ready.", name)
        while not stop.is_set():
            try:
                heartbeats.beat(name, probe_device())
                recovery.recover_jobs(name, lambda: runner.current_job)
            except sa.exc.OperationalError as error:  # the disk is full, or the database is away for a while
                logger.warning("The database does not answer: %s", error.orig)
            stop.wait(BEAT_SECONDS)
    except Exception:  # a process whose heart stands still must not go on taking jobs
        logger.exception("Worker %s cannot go on.", name)
        logging.shutdown()
        os._exit(1)

    # The current job is durable: leaving in the middle of a step costs that step and nothing else.
    # It is not queued again here, for this process might take it once more; the next worker does it.
    with contextlib.suppress(sa.exc.OperationalError):  # then it is missed a little later
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
    """Tell whether a log record is not the trace that DBOS writes of a cancelled workflow."""
    return not (record.exc_info and isinstance(record.exc_info[1], dbos_errors.DBOSAwaitedWorkflowCancelledError))


def _stop_on_request(stop: threading.Event, supervised: bool) -> None:
    """Set `stop` on a signal, or, under a supervisor, when the pipe from it closes."""
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Ctrl-C in a terminal reaches the children too; under a supervisor it alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN if supervised else lambda *_: stop.set())
    if supervised:

        def wait_for_end() -> None:
            sys.stdin.buffer.read()
            stop.set()

        threading.Thread(target=wait_for_end, daemon=True).start()
