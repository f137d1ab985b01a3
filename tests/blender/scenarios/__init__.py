# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios that the tests run inside Blender. Each returns plain values, which the tests check outside."""
