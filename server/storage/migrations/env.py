# SPDX-License-Identifier: GPL-3.0-or-later
"""What Alembic runs for `server.storage.schema`, which gives it an open connection."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
