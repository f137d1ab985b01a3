# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of DBOS are still as `server/jobs/dbos_tables.py` expects."""

import sqlalchemy as sa
from dbos import DBOSClient

from server.jobs.dbos_tables import SCHEMAS, set_workflow_priority, workflow_status


def test_the_table_of_workflows_has_an_id_and_a_priority(engine: sa.Engine) -> None:
    dialect = engine.dialect.name
    table = workflow_status(dialect)
    present = sa.inspect(engine).get_columns(table.name, schema=SCHEMAS[dialect])
    kinds = {column["name"]: column["type"] for column in present}
    assert set(table.c.keys()) <= kinds.keys()
    assert isinstance(kinds["priority"], sa.Integer) and isinstance(kinds["workflow_uuid"], sa.Text)


def test_the_priority_of_one_workflow_is_changed(engine: sa.Engine) -> None:
    client = DBOSClient(system_database_engine=engine)
    try:
        for name in ("one", "other"):
            client.enqueue({"workflow_name": "color", "queue_name": "cpu", "workflow_id": name, "priority": 3}, name)
        with engine.begin() as connection:
            set_workflow_priority(connection, "one", 1)
        found = {status.workflow_id: status.priority for status in client.list_workflows()}
    finally:
        client.destroy()
    assert found == {"one": 1, "other": 3}


def test_dbos_has_no_function_of_its_own_that_changes_a_priority() -> None:
    assert not [name for name in dir(DBOSClient) if "priorit" in name]
