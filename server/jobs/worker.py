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
from server.storage.catalogue import ACTIVE_STATES, Catalogue, UnknownJob
from server.storage.database import open_database
from server.storage.heartbeats import BEAT_SECONDS, Device, Heartbeats
from server.storage.segments import Segments
from shared.protocol import Problem

from .client import APPLICATION, WORKFLOW_VERSION, add_queue, rewind
from .workflow import EngineFactory, Painter

FATAL_CRASHES = 2
"""A job that took so many workers down with it, and finished no segment in between, is set aside."""

Probe = Callable[[], Device]
"""Tells what a worker computes on, with the memory that is free now."""

logger = logging.getLogger(__name__)


def run(config: Config, factory: EngineFactory, device: Probe, name: str = "", supervised: bool = False) -> NoReturn:
    """Work until told to stop; never returns.

    factory: loads the engine of a preset. device: tells what it computes on and how much memory is free now. name:
    unique among all workers that ever were; made up when empty. supervised: end when standard input closes, which it
    does however the parent ends.
    """
    queue = device().kind
    name = name or f"{queue}-{uuid.uuid4().hex[:12]}"
    logs.identify(worker=name)
    engine = open_database(config)
    catalogue, heartbeats = Catalogue(engine), Heartbeats(engine)
    stop = threading.Event()
    _stop_on_request(stop, supervised)

    DBOS(
        config={
            "name": APPLICATION,
            "application_version": WORKFLOW_VERSION,
            "executor_id": name,
            "system_database_engine": engine,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
        }
    )
    logging.getLogger("dbos").addFilter(_is_no_cancel)
    painter = Painter(name, catalogue, Segments(engine), Blobs(engine, config.blobs_url), factory)
    painter.register()
    DBOS.listen_queues([queue])
    try:
        heartbeats.beat(name, device())
        DBOS.launch()
        add_queue(DBOS, queue)
        logger.info("Worker %s is ready.", name)
        while not stop.is_set():
            try:
                heartbeats.beat(name, device())
                look_after(name, catalogue, heartbeats, painter)
            except sa.exc.OperationalError as error:  # the disk is full, or the database is away for a while
                logger.warning("The database does not answer: %s", error.orig)
            stop.wait(BEAT_SECONDS)
    except Exception:  # a process whose heart stands still must not go on taking jobs
        logger.exception("Worker %s cannot go on.", name)
        logging.shutdown()
        os._exit(1)

    # The job in hand is durable: leaving in the middle of a step costs that step and nothing else.
    # It is not queued again here, for this process might take it once more; the next worker does it.
    with contextlib.suppress(sa.exc.OperationalError):  # then it is missed a little later
        heartbeats.leave(name)
    logger.info("Worker %s has stopped.", name)
    logging.shutdown()
    os._exit(0)  # a thread that computes cannot be joined


def look_after(name: str, catalogue: Catalogue, heartbeats: Heartbeats, painter: Painter) -> None:
    """Queue again what this worker could not go on with, and what a dead one left."""
    for job in catalogue.running_with(name):
        if job != painter.in_hand:
            requeue(catalogue, job, "Its worker could not go on; it is taken up again.")
    dead = heartbeats.claim_dead()
    if dead is not None:
        worker, crashed = dead
        recover(catalogue, worker, crashed)
        heartbeats.forget(worker)


def recover(catalogue: Catalogue, worker: str, crashed: bool) -> None:
    """Queue again what `worker` left unfinished; set aside a job that took too many workers down."""
    for workflow in DBOS.list_workflows(status="PENDING", executor_id=worker, load_input=False, load_output=False):
        job = workflow.workflow_id
        if catalogue.state(job) not in ACTIVE_STATES:
            DBOS.cancel_workflow(job)
        elif crashed and catalogue.count_crash(job) >= FATAL_CRASHES:
            sentence = (
                f"This job took {FATAL_CRASHES} workers down and was set aside. The device may lack memory for it: "
                "try it again at a smaller size or with another preset, and see the worker's log."
            )
            problem = Problem(500, "worker_died", sentence)
            catalogue.move(job, "failed", allowed=ACTIVE_STATES, message=sentence, problem=problem)
            DBOS.cancel_workflow(job)
        else:
            requeue(catalogue, job, "Its worker stopped; the job goes on at its last finished segment.")
        logger.info("Took over job %s from worker %s.", job, worker)
    for job in catalogue.running_with(worker):  # its workflow ended at a fault, and the worker before it could say so
        requeue(catalogue, job, "Its worker stopped; the job goes on at its last finished segment.")


def requeue(catalogue: Catalogue, job: str, message: str) -> None:
    """Let any worker take up a job that was begun; the message tells the animator why."""
    if not catalogue.move(job, "queued", allowed=ACTIVE_STATES, message=message):
        return
    with contextlib.suppress(UnknownJob, dbos_errors.DBOSException):  # it was deleted, or another worker was faster
        row = catalogue.job(job)
        if DBOS.retrieve_workflow(job).get_status().status == "PENDING":
            DBOS.resume_workflow(job, queue_name=row.queue)
        else:
            rewind(DBOS, row)


def _is_no_cancel(record: logging.LogRecord) -> bool:
    """Tell whether a log record is anything but the trace that DBOS writes of a cancelled workflow."""
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
