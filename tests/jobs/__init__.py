# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the jobs' parts that need no server."""
