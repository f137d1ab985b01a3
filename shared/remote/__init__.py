# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the server's API, for the extension and for the command line."""
