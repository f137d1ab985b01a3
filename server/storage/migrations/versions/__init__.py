# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of the schema. A released file is never changed; every change to a table is a new file."""
