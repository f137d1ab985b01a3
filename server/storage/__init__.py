# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server keeps: blobs by content address, and the database of jobs, workers and tokens."""
