# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a shot before it is sent. Uses only NumPy, not Blender, so that it can run in a thread."""
