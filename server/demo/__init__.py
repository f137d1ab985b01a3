# SPDX-License-Identifier: GPL-3.0-or-later
"""The end-to-end demonstration: a shot is made in Blender, colored by the server, and returned to Blender."""
