# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes and their folders, without Blender."""
