# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts the ends of jobs to an address of the studio. Each attempt is a durable workflow, so none is forgotten.

The messages are those of the specification Standard Webhooks (https://www.standardwebhooks.com).
"""

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import requests
import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer, EnqueueOptions

from server.config import Webhook
from server.storage.catalogue import summary_of
from server.storage.database import writing
from server.storage.events import OVERLAP
from server.storage.job_ends import LASTING_SECONDS, JobEnd, JobEnds
from shared.codec import to_json

from .client import open_client
from .lasting_thread import LastingThread

APPLICATION = QUEUE = "longanimation-webhooks"
WORKFLOW = "post_webhook"
VERSION = "1"
POLL_SECONDS = 1.0
"""How often the server looks for jobs that ended, and for attempts that are due."""
PAUSES = (5.0, 60.0, 600.0, *(3600.0 * hours for hours in (1, 3, 6, 12, 24)))
"""Seconds between the attempts to post a message. After the last one, it is given up."""
TIMEOUT = (5.0, 10.0)
"""Seconds to connect, and between two bytes of an answer."""
POSTS_AT_ONCE = 4
TIDY_SECONDS = 60.0
"""How often posts of servers that died are looked for, and the records of old messages are removed. No post takes so
long."""
STOP_SECONDS = 5.0

logger = logging.getLogger(__name__)


def body_of(end: JobEnd) -> str:
    """Return the message about the end of a job, as JSON."""
    moment = datetime.fromtimestamp(end.time, UTC).isoformat()
    return json.dumps({"type": f"job.{end.job.state}", "timestamp": moment, "data": to_json(summary_of(end.job))})


def headers_of(message: str, body: str, key: bytes, moment: float) -> dict[str, str]:
    """Return the headers of a message that is posted at `moment`, with its signature."""
    seconds = str(int(moment))
    digest = hmac.digest(key, f"{message}.{seconds}.{body}".encode(), hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "User-Agent": "LongAnimation Color",
        "webhook-id": message,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class Webhooks:
    """The webhook of one server. Several servers that share a database post a message once, or seldom twice."""

    def __init__(self, engine: sa.Engine, webhook: Webhook) -> None:
        self._engine = engine
        self._webhook = webhook
        self._ends = JobEnds(engine)
        self._queued: set[int] = set()
        self._recorded = -OVERLAP
        self._client = open_client(engine, APPLICATION)
        self._stopping = threading.Event()
        self._thread = LastingThread("webhook", self._run, self._stopping)

    def start(self) -> None:
        """Start posting, beginning with the attempts that an earlier server left."""
        self._ends.begin()
        DBOS(
            config={
                "name": APPLICATION,
                "application_version": VERSION,
                "executor_id": APPLICATION,  # the same for all servers, so that each continues what another left
                "system_database_engine": self._engine,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "ERROR",
            }
        )
        # A closure, because DBOS finds workflows by name and calls them with only the queued arguments.
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(
            lambda message, body, attempt: self._deliver(message, body, attempt)
        )
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(
            QUEUE, worker_concurrency=POSTS_AT_ONCE, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop. A message that is being posted is posted again by the next server. The process ends when its thread
        does, after at most the sum of TIMEOUT."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)
        logging.getLogger("dbos").setLevel(logging.CRITICAL)  # it cannot record that message, and must not
        DBOS.destroy()
        self._client.destroy()

    def is_well(self) -> bool:
        """Return whether the thread that looks for ended jobs is running."""
        return self._thread.is_well()

    def _run(self) -> None:
        tidied = -TIDY_SECONDS
        while not self._stopping.is_set():
            try:
                self._queue_ends()
                if time.monotonic() - tidied >= TIDY_SECONDS:
                    tidied = time.monotonic()
                    self._take_over()
                    self._forget()
            except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:  # the database is away for a while
                logger.warning("The ends of jobs are posted later: %s", error)
            self._stopping.wait(POLL_SECONDS)

    def _queue_ends(self) -> None:
        """Queue the messages about jobs that ended since the last call."""
        ends, top = self._ends.find()
        new = [end for end in ends if end.number not in self._queued]
        if new or top >= self._recorded + OVERLAP:
            with writing(self._engine) as connection:
                for end in new:  # one that an earlier server queued is not queued again
                    message = f"{end.job.id}-{end.number}"
                    self._client.enqueue_in_transaction(connection, _options(message, 0), message, body_of(end), 0)
                self._ends.record(connection, top)
            self._recorded = top
        self._queued = {end.number for end in ends}

    def _take_over(self) -> None:
        """Queue the messages again that another server was posting when it died."""
        horizon = datetime.now(UTC) - timedelta(seconds=TIDY_SECONDS)
        for one in self._client.list_workflows(
            application_name=APPLICATION, status="PENDING", dequeued_before=horizon.isoformat(), load_input=False
        ):
            self._client.resume_workflow(one.workflow_id, queue_name=QUEUE)

    def _forget(self) -> None:
        """Remove the records of messages that can neither be posted nor found again."""
        horizon = datetime.now(UTC) - timedelta(seconds=2 * LASTING_SECONDS)
        old = self._client.list_workflows(
            application_name=APPLICATION, completed_before=horizon.isoformat(), load_input=False, load_output=False
        )
        if old:
            self._client.delete_workflows([one.workflow_id for one in old])

    def _deliver(self, message: str, body: str, attempt: int) -> None:
        """Post a message. If that fails, queue the next attempt. This is the workflow."""
        problem = self._post(message, body)
        if not problem:
            logger.info("The webhook has message %s.", message)
        elif attempt >= len(PAUSES):
            logger.error("The webhook did not take message %s, which is given up: %s", message, problem)
        else:
            pause = PAUSES[attempt]
            logger.warning("The webhook did not take message %s; again in %g s: %s", message, pause, problem)
            options = _options(message, attempt + 1)
            options["delay_seconds"] = pause
            self._client.enqueue(options, message, body, attempt + 1)

    def _post(self, message: str, body: str) -> str:
        """Post a message once. Return what went wrong, or an empty text. The answer's body is not read, and a redirect
        is not followed: it could lead anywhere."""
        headers = headers_of(message, body, self._webhook.key, time.time())
        try:
            with requests.post(
                self._webhook.url,
                data=body.encode(),
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return "" if 200 <= answer.status_code < 300 else f"it answered {answer.status_code} {answer.reason}"
        except requests.RequestException as error:
            return type(error).__name__  # its text has the address, which may hold a password


def _options(message: str, attempt: int) -> EnqueueOptions:
    return {
        "workflow_name": WORKFLOW,
        "queue_name": QUEUE,
        "workflow_id": f"{message}-{attempt}",
        "app_version": VERSION,
    }
