# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios in Blender's window, one per file. Each has `play(desk)`, a generator of steps."""
