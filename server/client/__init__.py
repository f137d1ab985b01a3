# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands `submit`, `watch` and `fetch`: a server's jobs from scripts, without Blender."""
