# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the demo and of its shot."""
