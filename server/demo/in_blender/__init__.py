# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the demonstration that run inside Blender. The server does not import them."""
