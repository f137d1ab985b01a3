# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP layer: the API, the dashboard, access control, TLS, and the start and end of the server."""
