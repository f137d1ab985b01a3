# SPDX-License-Identifier: GPL-3.0-or-later
"""A fuzz run: what a server and its readers do with a hundred thousand inputs that nobody meant."""
