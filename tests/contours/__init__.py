# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of the regions of flat pictures."""
