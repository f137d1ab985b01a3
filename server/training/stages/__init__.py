# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of training: each trains some modules of the stack, or the line matcher."""
