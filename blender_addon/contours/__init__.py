# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth outlines of the regions of a flat picture, without Blender, for use in threads."""
