# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets, and the download and conversion of the published weights to a preset."""
