# SPDX-License-Identifier: GPL-3.0-or-later
"""Hours of jobs, uploads, dashboards and kills: frames stay right, and memory and descriptors stay flat."""
