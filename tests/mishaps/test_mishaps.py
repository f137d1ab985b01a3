# SPDX-License-Identifier: GPL-3.0-or-later
"""A short campaign finds nothing, and the checks of each mishap find what was broken on purpose."""

import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from server.config import Config
from server.storage.database import open_database
from shared.digests import address_of
from tests.faults.house import House

from . import slow_clients
from .campaign import open_studio, run, to_json
from .databases import Database
from .foreign_files import check_files, draw_files
from .outages import check_answers
from .schemas import check_old
from .second_databases import check_store
from .slow_clients import check_others
from .stores import FolderStore, snapshot
from .studio import Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio on SQLite and a folder."""
    with open_studio("sqlite", tmp_path_factory.mktemp("studio")) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["foreign_files", "damage", "clock_steps"])
def test_a_mishap_leaves_everything_as_it_was(studio: Studio, kind: str) -> None:
    result = list(run(studio, [kind], seed=5, rounds=1, seconds=300))[-1]
    assert result.wrong == {kind: []} and result.rounds == {kind: 1}
    assert to_json({"sqlite": result})["sqlite"]["found"] == 0


def test_nothing_ends_while_postgresql_is_stopped(tmp_path: Path, postgresql: Any) -> None:
    with open_studio("postgresql", tmp_path) as opened:
        assert list(run(opened, ["outages"], seed=5, rounds=1, seconds=300))[-1].wrong == {"outages": []}


def test_two_servers_on_s3_mend_what_it_lost_and_only_that(tmp_path: Path) -> None:
    pytest.importorskip("moto.server", reason="no S3 server: .venv/bin/pip install 'moto[server]' s3fs")
    pytest.importorskip("s3fs", reason="no S3 client: .venv/bin/pip install s3fs")
    with open_studio("s3", tmp_path) as opened:
        kinds = ["foreign_files", "damage"]  # folders are listed at the start, and frames stored in them afterward
        assert list(run(opened, kinds, seed=1, rounds=1, seconds=300))[-1].wrong == {kind: [] for kind in kinds}


def test_the_clock_that_is_set_is_the_servers(studio: Studio) -> None:
    def stored(content: bytes) -> float:
        studio.call("PUT", f"/blobs/{address_of(content)}", data=content).raise_for_status()
        find = "SELECT touched FROM blobs WHERE address = :address"
        return float(str(studio.database.run(find, address=address_of(content))[0][0]))

    with studio.clock_set(-7200):
        assert abs(stored(b"two hours ago") + 7200 - time.time()) < 60
    assert abs(stored(b"now") - time.time()) < 60


def test_errors_of_the_server_are_found_in_its_log(studio: Studio) -> None:
    list(studio._server_errors())
    line = '{"logger": "server.access", "status": 500, "message": "GET / was answered with 500."}\n'
    with studio.houses[0].log_path.open("a") as log:
        log.write(line)
    assert "1 requests were answered with 500" in next(studio._server_errors())


def test_files_that_go_or_change_are_found(tmp_path: Path) -> None:
    store, files = FolderStore(tmp_path / "blobs"), draw_files(random.Random(1), 8)
    for name, content in files.items():
        store.write(name, content)
    before = snapshot(store)
    assert not [*check_files(store, files), *check_store(store, before)]
    gone, changed, *_ = sorted(files)
    store.remove(gone)
    store.write(changed, b"other")
    assert set(check_files(store, files)) == {f"foreign: {gone} was removed", f"foreign: {changed} was changed"}
    assert next(check_store(store, before)).startswith("lost: 2 of 8 files")


def test_wrong_answers_during_an_outage_are_found() -> None:
    assert not list(check_answers(Counter({"/healthz 200": 9, "/readyz 503": 3, "/api/v1/info 200": 1})))
    assert len(list(check_answers(Counter({"/healthz 503": 1, "/readyz 500": 2, "/healthz 0": 1})))) == 3


def test_a_server_that_lets_others_wait_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.mishaps.studio.PATIENCE", 0.3)
    studio = Studio(tmp_path, Database(tmp_path / "data"), FolderStore(tmp_path / "blobs"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        house = cast(House, _Silent(silent.getsockname()[1]))
        found = list(check_others(studio, house, 1.0, random.Random(1)))
    assert found and "was not answered: ReadTimeout" in found[0]
    assert slow_clients.CROWD > 200, "more than a server holds"


class _Silent:
    """What stands for a server that accepts connections and says nothing."""

    verify = True

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"


def test_jobs_that_an_update_lost_are_found(studio: Studio, tmp_path: Path) -> None:
    open_database(Config(tmp_path / "empty")).dispose()
    assert list(check_old(studio, Database(tmp_path / "empty"), 2)) == ["a server found 0 of 2 jobs in an old database"]
