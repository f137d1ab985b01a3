# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets that are too large for the repository: fetched from the hub under their licences, and converted."""
