# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks HTTP: the API, the dashboard, access, TLS, and how the server starts and ends."""
