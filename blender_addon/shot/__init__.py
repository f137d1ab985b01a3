# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot of the scene: rendered as line art and painted keyframes, and described."""
