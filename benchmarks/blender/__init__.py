# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions that benchmarks and tests call in Blender processes."""
