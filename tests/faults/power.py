# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cuts. A server and its worker run while every write and every sync is recorded. From the record, the folder is
rebuilt as it may be on the disk at any moment. A server must continue from there without losing anything that was
acknowledged."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from server.config import Config
from shared.digests import address_of

from .checks import check_job, check_store, check_work
from .client import Client, Submission, plan
from .disk import Disk
from .house import House
from .rounds import ROUND_SECONDS
from .shots import draw_shot
from .trace import Call, read_calls, strace


@dataclass
class Cuts:
    """The results of some cuts: what was acknowledged before them, the writes and names that were not synced, and what
    was wrong afterward."""

    cuts: int = 0
    jobs: int = 0
    blobs: int = 0
    events: int = 0
    unsynced: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Any) -> None:
        """Add the results of other cuts."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Recording:
    """The file operations of a server and its worker while they colored some shots, and the answers to a client."""

    def __init__(self, folder: Path, seed: int, shots: int) -> None:
        self._folder = folder
        self._rng = random.Random(seed)
        data, log = folder / "recorded", folder / "calls"
        data.mkdir()
        drawn = [draw_shot(seed * 1000 + number, slow=number % 2 == 0) for number in range(shots)]
        with House(data, folder / "recorded.log", workers=1, supervised=True, prefix=strace(log)) as house:
            self._client = Client(house.url, plan(drawn, self._rng, cancel=False), ROUND_SECONDS)
            house.start()
            self._client.start()
            self._client.join()
        assert not self._client.wrong, self._client.wrong
        self._data = data
        self._calls: Sequence[Call] = list(read_calls(log))

    def cut(self, number: int) -> Cuts:
        """Cut the power at a random moment, restart with what is left, and check what is wrong then."""
        moments = [call.begun for call in self._calls if any(path.startswith(str(self._data)) for path in call.paths)]
        moment = self._rng.uniform(moments[0], moments[-1])
        disk = Disk(self._data)
        disk.run(self._calls, moment)
        data = self._folder / f"cut-{number}"
        disk.write_to(data, self._rng)
        for log in data.glob("*.log"):  # the stand-in's own, which nobody syncs
            log.unlink()
        told = [_told(submission, moment) for submission in self._client.submissions]
        events = sum(len(one.events) for one in told)
        wrong: list[str] = []
        with House(data, self._folder / f"cut-{number}.log", workers=1, supervised=True) as house:
            client = Client(house.url, [one for one in told if one.accepted is not None], ROUND_SECONDS)
            client.stored = {address: one for address, one in self._client.stored.items() if one[0] <= moment}
            wrong += _damages(data)
            house.start()
            house.wait_until_ready()
            for address in client.call("POST", "/blobs/missing", (200,), json=list(client.stored)).json():
                wrong.append(f"lost: blob {address}, which had been answered 201")
            for address in client.stored:
                path = data / "blobs" / address[:2] / address
                if not path.exists() or address_of(path.read_bytes()) != address:
                    wrong.append(f"lost: the file of blob {address}")
            for submission in client.submissions:
                wrong += [f"lost: job {submission.job}"] * (
                    client.call("GET", f"/jobs/{submission.job}", (200, 404)).status_code == 404
                )
            client.start()
            client.join()
            wrong += client.wrong
            for submission in client.submissions:
                wrong += [*check_job(client, submission), *check_work(data, submission)]
            house.stop()
        wrong += check_store(Config(data), client)
        return Cuts(
            cuts=1,
            jobs=len(client.submissions),
            blobs=len(client.stored),
            events=events,
            unsynced=disk.unsynced,
            wrong=[f"cut {number} at {moment:.6f}: {sentence}" for sentence in wrong],
        )


def _told(submission: Submission, moment: float) -> Submission:
    """Return what the client knew about a submission at a moment."""
    accepted = submission.accepted if submission.accepted is not None and submission.accepted <= moment else None
    events = [one for one in submission.events if one[0] <= moment]
    return replace(submission, accepted=accepted, events=events, segments_done=[], state="")


def _damages(data: Path) -> list[str]:
    """Check the database before anybody else opens it."""
    if not (data / "server.sqlite").exists():
        return []  # the power went before there was one
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(data / "server.sqlite")))
    with engine.connect() as connection:
        verdict = list(connection.scalars(sa.text("PRAGMA integrity_check")))
    engine.dispose()
    return [] if verdict == ["ok"] else [f"damaged: {verdict}"]
