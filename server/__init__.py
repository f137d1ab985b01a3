# SPDX-License-Identifier: GPL-3.0-or-later
"""The LongAnimation Color server."""

__version__ = "0.2.0"
