# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests do inside Blender. Each scenario returns plain values; the tests judge them outside."""
