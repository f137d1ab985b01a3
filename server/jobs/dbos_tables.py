# SPDX-License-Identifier: GPL-3.0-or-later
"""The DBOS tables that the server writes to, because DBOS has no function to change the priority of a queued workflow.

They are documented ("DBOS System Tables") but internal to DBOS. `tests/jobs/test_dbos_tables.py` fails when they change
or when DBOS gets such a function.
"""

import sqlalchemy as sa

SCHEMAS = {"sqlite": None, "postgresql": "dbos"}
"""Where the tables are, by the database's kind."""


def set_workflow_priority(connection: sa.Connection, workflow: str, priority: int) -> None:
    """Set the priority of a queued workflow, within the caller's transaction. The lowest number comes first."""
    table = workflow_status(connection.dialect.name)
    connection.execute(sa.update(table).where(table.c.workflow_uuid == workflow).values(priority=priority))


def workflow_status(dialect: str) -> sa.TableClause:
    """Return the table of workflows with the columns used here. dialect: a key of SCHEMAS."""
    schema = SCHEMAS[dialect]
    return sa.table("workflow_status", sa.column("workflow_uuid"), sa.column("priority"), schema=schema)
