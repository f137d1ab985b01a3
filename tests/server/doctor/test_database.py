# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases that are damaged, old, new, unreachable or without tokens."""

import os
import socket
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from server.config import Config
from server.doctor.database import check_database
from server.doctor.network import check_port
from server.storage.database import open_database
from server.storage.tokens import Tokens
from tests.server.conftest import Site

from .findings import the_one


def test_a_damaged_database_is_a_fault(tmp_path: Path) -> None:
    engine = open_database(Config(tmp_path))
    for number in range(200):
        Tokens(engine).create(f"animator {number}")
    engine.dispose()
    file = tmp_path / "server.sqlite"
    content = bytearray(file.read_bytes())
    place = content.index(b"animator 100") // 4096 * 4096
    content[place : place + 64] = os.urandom(64)
    file.write_bytes(content)
    assert "restore" in the_one(check_database(Config(tmp_path)), "fault", "Database").remedy


def test_a_database_of_an_older_server_is_told(tmp_path: Path) -> None:
    engine = open_database(Config(tmp_path))
    with engine.begin() as connection:
        for table in ("pictures", "alembic_version"):
            connection.execute(sa.DDL(f"DROP TABLE {table}"))
    engine.dispose()
    assert "pictures" in the_one(check_database(Config(tmp_path)), "warning", "Database").text


def test_a_database_of_a_newer_server_is_a_fault(tmp_path: Path) -> None:
    engine = open_database(Config(tmp_path))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    assert "newer server" in the_one(check_database(Config(tmp_path)), "fault", "Database").text


def test_a_database_that_has_lost_a_table_is_a_fault(tmp_path: Path) -> None:
    engine = open_database(Config(tmp_path))
    with engine.begin() as connection:
        connection.execute(sa.DDL("DROP TABLE pictures"))
    engine.dispose()
    found = the_one(check_database(Config(tmp_path)), "fault", "Database")
    assert "pictures" in found.text and "restore" in found.remedy


def test_a_running_server_s_database_and_port_pass(site: Site) -> None:
    port = int(site.root.rpartition(":")[2])
    config = Config(site.data, port=port)
    assert "whole" in the_one(check_database(config), "ok", "Database").text
    assert "LongAnimation Color" in the_one(check_port(config), "ok", "Port").text


def test_a_database_server_s_version_and_clock_are_told(tmp_path: Path, postgresql: Any) -> None:
    config = Config(tmp_path, database=postgresql.new_database())
    assert "empty" in the_one(check_database(config), "ok", "Database").text
    open_database(config).dispose()
    findings = list(check_database(config))
    assert "PostgreSQL" in the_one(findings, "ok", "Database").text
    the_one(findings, "ok", "Clock")


def test_a_database_server_whose_clock_is_wrong_is_a_fault(tmp_path: Path, postgresql: Any) -> None:
    database = postgresql.new_database()
    with psycopg.connect(database, autocommit=True) as connection:
        later = "SELECT pg_catalog.clock_timestamp() + interval '1 minute'"
        connection.execute(f"CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $${later}$$")
        name = database.rpartition("/")[2]
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog')
    found = the_one(check_database(Config(tmp_path, database=database)), "fault", "Clock")
    assert "60 s ahead" in found.text


def test_a_database_server_that_does_not_answer_is_a_fault_that_tells_no_password(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = Config(tmp_path, database=f"postgresql://anna:s3cr3t-w0rd@127.0.0.1:{port}/studio")
    found = the_one(check_database(config), "fault", "Database")
    assert str(port) in found.text and "s3cr3t" not in found.text


def test_a_database_that_is_not_there_is_a_fault(tmp_path: Path, postgresql: Any) -> None:
    address = postgresql.new_database().rpartition("/")[0]
    found = the_one(check_database(Config(tmp_path, database=f"{address}/nowhere")), "fault", "Database")
    assert "nowhere" in found.text


@pytest.mark.parametrize("exists", [False, True], ids=["new", "opened before"])
def test_beyond_this_machine_a_server_without_tokens_is_a_fault(tmp_path: Path, exists: bool) -> None:
    config = Config(tmp_path, host="0.0.0.0")
    if exists:
        open_database(config).dispose()
    assert "python -m server token" in the_one(check_database(config), "fault", "Tokens").remedy
    engine = open_database(config)
    Tokens(engine).create("studio")
    engine.dispose()
    the_one(check_database(config), "ok", "Tokens")
