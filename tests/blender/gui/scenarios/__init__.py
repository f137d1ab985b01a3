# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done in Blender's window, a file a scenario: each has `play(desk)`, a generator of steps."""
