# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot of the scene: its rendered line art, its painted keyframes and its description."""
