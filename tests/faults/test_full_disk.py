# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk fills up while a worker works. The worker waits, reports it, and continues when there is room."""

import errno
import random
import subprocess
from pathlib import Path

import pytest

from server.config import BLOBS_VARIABLE, Config
from server.jobs.patience import FULL_MESSAGE
from shared.codec import to_json
from shared.digests import address_of

from .checks import check_job, check_store, check_work
from .client import Client, plan
from .house import House, wait_for
from .program import KEPT_FREE_VARIABLE
from .shots import draw_shot

SECONDS = 90.0
PAGE = 4096


def fill(disk: Path) -> Path:
    """Write a file that leaves no room on a disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(PAGE))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return ballast


@pytest.mark.parametrize("everything", [False, True], ids=["of the images", "of the images and the database"])
def test_a_worker_waits_while_the_disk_is_full_and_its_frames_are_the_same(
    tmp_path: Path, small_disk: Path, everything: bool
) -> None:
    if everything:  # the database alone takes more than two megabytes
        subprocess.run(["mount", "-o", "remount,size=12m", str(small_disk)], check=True)
    data = (small_disk if everything else tmp_path) / "data"
    data.mkdir()
    blobs = small_disk / "blobs"
    submission, *waiting = plan([draw_shot(seed, slow=True) for seed in (1, 2)], random.Random(1), cancel=False)
    with House(data, tmp_path / "log", workers=1, supervised=True) as house:
        house.set_variables({BLOBS_VARIABLE: str(blobs), KEPT_FREE_VARIABLE: "50000"})
        client = Client(house.url, [submission], SECONDS)
        house.start()
        house.wait_until_ready()
        client.send(submission)
        path = f"/jobs/{submission.job}"
        wait_for(lambda: client.call("GET", path, (200,)).json()["segments_done"] >= 1, "the first segment")
        ballast = fill(small_disk)
        wait_for(lambda: "continues by itself" in house.log, "the worker to say that it waits")
        stopped = client.call("GET", path, (200,)).json()
        assert stopped["state"] in ("running", "queued") and stopped["segments_done"] < 4

        image = b"new"
        for answer in (
            client.call("PUT", f"/blobs/{address_of(image)}", (507,), data=image),
            client.call("PUT", f"/jobs/{waiting[0].job}", (507,), json=to_json(waiting[0].shot.manifest)),
        ):
            assert answer.json()["code"] == "no_space"
        if not everything:
            messages = [event["message"] for event in client.call("GET", f"{path}/events", (200,)).json()]
            assert messages.count(FULL_MESSAGE) == 1, "told once"
        ballast.unlink()
        client.start()
        client.join()
        assert not client.wrong
        assert not [*check_job(client, submission), *check_work(data, submission)]
        assert not any(house.stop())
    assert not list(check_store(Config(data, blobs=str(blobs)), client))
