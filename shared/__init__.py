# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that the Blender extension and the server share. Uses only the standard library, and NumPy in `checks`."""
