# SPDX-License-Identifier: GPL-3.0-or-later
"""Coloring of shots: colors are propagated, the model paints, and lines and votes combine the two."""
