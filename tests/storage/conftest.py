# SPDX-License-Identifier: GPL-3.0-or-later
"""A database of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.config import Config
from server.storage.database import open_database


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An open database, SQLite and PostgreSQL in turn."""
    database = request.getfixturevalue("postgresql").new_database() if request.param == "postgresql" else ""
    engine = open_database(Config(tmp_path, database=database))
    yield engine
    engine.dispose()
