# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor finds each fault, says what to do, and changes nothing."""
