# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's storage: blobs by content address, and the database of jobs, workers and tokens."""
