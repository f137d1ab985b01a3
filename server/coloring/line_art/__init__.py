# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of line art: which pixels are lines, and which closed regions the lines separate."""
