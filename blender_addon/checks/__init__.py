# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a shot before it is sent. Knows nothing of Blender: NumPy only, fit for a thread."""
