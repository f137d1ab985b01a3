# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the server: its API, its jobs, its command line."""
