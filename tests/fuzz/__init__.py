# SPDX-License-Identifier: GPL-3.0-or-later
"""A fuzz run: a server and its readers get a hundred thousand inputs that no client would send."""
