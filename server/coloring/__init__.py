# SPDX-License-Identifier: GPL-3.0-or-later
"""Coloring of shots: what is propagated, what the model paints, and what lines and votes make of both."""
