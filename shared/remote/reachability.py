# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out at which step the connection to a server fails."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

import requests

from ..errors import UnreachableError
from ..translatable_text import TranslatableText
from .transport import is_loopback

_SECONDS = 5.0


def why_unreachable(address: str, error: UnreachableError) -> UnreachableError:
    """Return an error that says why no server answers at `address`, and what helps. It takes up to ten seconds.

    error: what the request raised. It is returned if the reason is not found: behind a proxy, only the proxy knows it.
    """
    if requests.utils.get_environ_proxies(address) and not is_loopback(address):
        return error
    parts = urlsplit(address)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        socket.getaddrinfo(host, port)
    except OSError:
        return UnreachableError(
            TranslatableText("No computer named {host} is known: check the address for a typing error.", host=host),
            "address",
        )
    try:
        connection = socket.create_connection((host, port), _SECONDS)
    except TimeoutError:
        return UnreachableError(
            TranslatableText(
                "{host} does not answer on port {port}: it is off, on another network, or blocked by a firewall.",
                host=host,
                port=port,
            ),
            "address",
        )
    except OSError:
        return _nothing_listens(address, host, port)
    with connection:
        connection.settimeout(_SECONDS)
        return (_why_not_secure if secure else _why_not_plain)(connection, host, port)


def _nothing_listens(address: str, host: str, port: int) -> UnreachableError:
    if is_loopback(address):
        return UnreachableError(
            TranslatableText(
                "Nothing listens on port {port} of this computer: start the server, or check the port.", port=port
            ),
            "start_server",
        )
    return UnreachableError(
        TranslatableText(
            "{host} is there, but nothing listens on port {port}: start the server there, or check the port.",
            host=host,
            port=port,
        ),
        "address",
    )


def _why_not_secure(connection: socket.socket, host: str, port: int) -> UnreachableError:
    """Say why what listens does not answer to https."""
    try:
        ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return UnreachableError(
            TranslatableText(
                "The certificate of {host} is not trusted: {reason}. Use the name that it was issued for, or "
                "make your computer trust the studio's authority (REQUESTS_CA_BUNDLE names its file).",
                host=host,
                reason=error.verify_message,
            ),
            "certificate",
        )
    except ssl.SSLError:
        return UnreachableError(
            TranslatableText("{host} does not use https there: write http:// in the address.", host=host), "address"
        )
    except OSError:
        pass
    return _no_server(host, port)


def _why_not_plain(connection: socket.socket, host: str, port: int) -> UnreachableError:
    """Say why what listens does not answer to http."""
    try:
        ssl._create_unverified_context().wrap_socket(connection, server_hostname=host).close()
    except OSError:  # an ssl.SSLError, too
        return _no_server(host, port)
    return UnreachableError(
        TranslatableText("{host} uses https there: write https:// in the address.", host=host), "address"
    )


def _no_server(host: str, port: int) -> UnreachableError:
    return UnreachableError(
        TranslatableText(
            "What listens on port {port} of {host} does not answer as a LongAnimation Color server: check the port, or "
            "restart the server there.",
            host=host,
            port=port,
        ),
        "address",
    )
