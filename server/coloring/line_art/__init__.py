# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of line art: what is line, and which closed regions the lines part."""
