# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions of flat pictures and their smooth outlines, without Blender, for use in threads."""
