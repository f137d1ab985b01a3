# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests whether a host is this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether `host`, a name or an address, is the loopback address of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
