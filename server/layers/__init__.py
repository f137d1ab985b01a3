# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of a take for painting programs: an Open Cel Animation document as layered PSDs."""
