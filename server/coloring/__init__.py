# SPDX-License-Identifier: GPL-3.0-or-later
"""Coloring of one shot: plan of segments, the model's runs, finishing."""
