# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation: how close colors are to the truth, compared with simpler ways to propagate a keyframe's colors."""
