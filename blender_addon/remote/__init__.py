# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: calls over HTTP, and a take's progress through it. Does not use Blender."""
