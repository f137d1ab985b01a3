# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of jobs that need no server."""
