# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts: which of them are this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether `host`, a name or an address, is this machine as it sees itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
