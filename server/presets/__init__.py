# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: what they are, and how the published weights become one: fetched under their licenses, and converted."""
