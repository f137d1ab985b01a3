# SPDX-License-Identifier: GPL-3.0-or-later
"""The migrations of the database, for Alembic: one file per version of the schema."""
