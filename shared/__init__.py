# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Blender extension and the server must agree on. Standard library only."""
