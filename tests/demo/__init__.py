# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration, and what its shot has in it."""
