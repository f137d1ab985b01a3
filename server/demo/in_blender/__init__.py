# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demonstration does inside Blender; nothing of the server imports it."""
