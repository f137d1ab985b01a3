# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills of a take as Grease Pencil drawings in the scene."""
