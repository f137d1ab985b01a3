# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of accepted work when processes are killed, the power is cut or the disk is full."""
