# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: colorings of a shot, each in its own folder."""
