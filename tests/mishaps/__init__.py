# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to the servers of a studio without a crash: wrong folders and databases, flipped bits, outages, other
versions, wrong clocks, and clients that hold what they do not use."""
