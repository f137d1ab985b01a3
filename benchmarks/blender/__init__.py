# SPDX-License-Identifier: GPL-3.0-or-later
"""What benchmarks, and tests, do in Blender processes."""
