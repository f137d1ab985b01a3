# SPDX-License-Identifier: GPL-3.0-or-later
"""A short campaign of faults; `python -m tests.faults` runs long ones."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from .checks import check_job, check_work
from .client import Client, plan
from .house import House
from .rounds import drop_connections, run_round
from .shots import draw_shot


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_nothing_that_was_accepted_is_lost_when_processes_are_killed(tmp_path: Path, seed: int) -> None:
    result = run_round(tmp_path, seed, faults=2, jobs=2)
    assert sum(result.faults.values()) >= 1
    assert not result.wrong


def test_nothing_is_lost_on_postgresql_either(tmp_path: Path, postgresql: Any) -> None:
    result = run_round(tmp_path, 10, postgresql.new_database(), faults=2, jobs=2)
    assert sum(result.faults.values()) >= 1
    assert not result.wrong


def test_a_database_that_drops_its_connections_again_and_again_fails_no_job(tmp_path: Path, postgresql: Any) -> None:
    database, data = postgresql.new_database(), tmp_path / "data"
    data.mkdir()
    with House(data, tmp_path / "log", workers=1, supervised=True, database=database) as house:
        shots = [draw_shot(seed, slow=True) for seed in (21, 22)]
        client = Client(house.url, plan(shots, random.Random(1), cancel=False), seconds=90.0)
        house.start()
        client.start()
        while client.is_busy and not any(submission.segments_done[-1:] == [1] for submission in client.submissions):
            time.sleep(0.05)
        for _ in range(6):
            assert drop_connections(database)
            time.sleep(0.4)
        client.join()
        assert not client.wrong
        for submission in client.submissions:
            assert not [*check_job(client, submission), *check_work(data, submission)]
            assert "failed" not in {event["state"] for _, event in submission.events}
