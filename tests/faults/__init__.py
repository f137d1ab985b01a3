# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepted work survives when processes are killed, the power is cut or the disk is full."""
