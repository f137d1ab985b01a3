# SPDX-License-Identifier: GPL-3.0-or-later
"""How right the colors are, against the truth and against simpler ways of carrying a keyframe along."""
