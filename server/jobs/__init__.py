# SPDX-License-Identifier: GPL-3.0-or-later
"""Durable jobs: the API's side (client), the work itself (workflow), and the process that does it (worker)."""
