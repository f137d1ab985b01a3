# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks: each prints one JSON line of ratios from one run (conventions: `measure.py`)."""
