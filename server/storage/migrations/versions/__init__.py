# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of the schema. What is here is never changed once it was released: a change of a table is a new file."""
