# SPDX-License-Identifier: GPL-3.0-or-later
"""Alembic's entry point. `server.storage.schema` runs it and passes an open connection."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
