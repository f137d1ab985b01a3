# SPDX-License-Identifier: GPL-3.0-or-later
"""A canceled job stops at once, and no other job stops."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.checks import check_job
from tests.faults.client import Client, plan
from tests.faults.house import House, wait_for
from tests.faults.program import STEP_LOG
from tests.faults.shots import draw_shot

SECONDS = 90.0


@pytest.mark.slow
def test_a_cancelled_job_ends_with_the_step_it_is_in_and_its_neighbor_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    cancelled, other = plan([draw_shot(seed, slow=True) for seed in (11, 12)], random.Random(1), cancel=False)
    with House(data, tmp_path / "log", workers=2, supervised=False) as house:
        client = Client(house.url, [other], SECONDS)
        house.start()
        house.wait_until_ready()
        for submission in (cancelled, other):
            client.send(submission)
            wait_for(begun(client, submission.job), "both to run at once")
        assert client.call("POST", f"/jobs/{cancelled.job}/cancel", (200,)).json()["state"] == "cancelled"
        moment = time.time()
        client.start()
        client.join()  # the other is done
        assert not client.wrong and not list(check_job(client, other))
        assert client.call("GET", f"/jobs/{cancelled.job}", (200,)).json()["state"] == "cancelled"
        house.stop()
    steps = [line.split() for line in (data / STEP_LOG).read_text().splitlines()]
    later = [seed for seed, ended in steps if float(ended) > moment]
    assert later.count("11") <= 1, "the step in which it was cancelled, and no other"
    assert later.count("12") > 1
    assert [seed for seed, _ in steps].count("12") == 20, "each step of the other was done once"


def begun(client: Client, job: str) -> Callable[[], bool]:
    return lambda: client.call("GET", f"/jobs/{job}", (200,)).json()["progress"] > 0
