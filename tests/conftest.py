# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# A busy machine is slow, not wrong: time limits are pytest-timeout's business.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
