# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out why a server cannot be used, and what to do about it. Does not use Blender."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import RefusedError, ServerError, UnreachableError, VersionError
from ..shared.server_info import ServerInfo
from ..translatable_text import TranslatableText
from .client import Client
from .transport import is_loopback

_SECONDS = 5.0


@dataclass(frozen=True)
class Diagnosis:
    """The result of a connection test.

    sentences: for the animator, the most important first. remedy: what would help, as in errors.ServerError. info: the
    server's information, if it can be used.
    """

    sentences: tuple[str, ...]
    remedy: str = ""
    info: ServerInfo | None = None

    @property
    def is_good(self) -> bool:
        """Whether shots can be sent."""
        return self.info is not None


def diagnose(address: str, token: str) -> Diagnosis:
    """Test a server, from its name to its workers; takes up to half a minute."""
    try:
        client = Client(address, token, retries=0)
        begun = time.monotonic()
        info = client.info()
        milliseconds = 1000 * (time.monotonic() - begun)
        client.missing(())  # /info needs no token on a server that is open to all; this always does
        workers = sum(queue.workers for queue in client.queues())
    except (VersionError, RefusedError) as error:
        return Diagnosis((_refused(error, token),), error.remedy)
    except UnreachableError as error:
        return _unreachable(client.server, error)
    except ServerError as error:
        return Diagnosis((str(error),), error.remedy)
    names = ", ".join(f"{preset.name} ({preset.license})" for preset in info.presets) or TranslatableText("none")
    sentences: tuple[str, ...] = (
        TranslatableText(
            "Server {version} answers in {milliseconds} ms.",
            version=info.server_version,
            milliseconds=f"{milliseconds:.0f}",
        ),
        TranslatableText("Presets: {names}.", names=names),
        TranslatableText(
            "{count} jobs wait or run on {devices}.",
            count=info.queue_length,
            devices=", ".join(info.devices) or TranslatableText("no device"),
        ),
    )
    if not workers:
        sentences = (
            TranslatableText(
                "The server answers, but has no worker: shots would wait. Start it without `--workers 0`, or start a "
                "worker (python -m server worker)."
            ),
            *sentences,
        )
    return Diagnosis(sentences, info=info)


def _refused(error: ServerError, token: str) -> str:
    if isinstance(error, RefusedError) and error.status == 401 and token:
        return TranslatableText(
            "The server does not know this token: it may have been revoked, or a character is missing. Ask the "
            "server's administrator for a new one."
        )
    return str(error)


def _unreachable(address: str, error: UnreachableError) -> Diagnosis:
    """Find out at which step the connection to a server fails."""
    parts = urlsplit(address)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        socket.getaddrinfo(host, port)
    except OSError:
        sentence = TranslatableText(
            "No computer named {host} is known: check the address for a typing error.", host=host
        )
        return Diagnosis((sentence,), "address")
    try:
        connection = socket.create_connection((host, port), _SECONDS)
    except TimeoutError:
        return Diagnosis(
            (
                TranslatableText(
                    "{host} does not answer on port {port}: it is off, on another network, or blocked by a firewall.",
                    host=host,
                    port=port,
                ),
            ),
            "address",
        )
    except OSError:
        if is_loopback(address):
            sentence = TranslatableText(
                "Nothing listens on port {port} of this computer: start the server, or check the port.", port=port
            )
            return Diagnosis((sentence,), "start_server")
        return Diagnosis(
            (
                TranslatableText(
                    "{host} is there, but nothing listens on port {port}: start the server there, or check the port.",
                    host=host,
                    port=port,
                ),
            ),
            "address",
        )
    with connection:
        return _after_connecting(connection, host, secure) or Diagnosis((str(error),), error.remedy)


def _after_connecting(connection: socket.socket, host: str, secure: bool) -> Diagnosis | None:
    """Find out why a connected server does not answer; None if the reason is not found."""
    connection.settimeout(_SECONDS)
    if secure:
        try:
            ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
        except ssl.SSLCertVerificationError as error:
            return Diagnosis(
                (
                    TranslatableText(
                        "The certificate of {host} is not trusted: {reason}. Use the name that it was issued for, or "
                        "make your computer trust the studio's authority (REQUESTS_CA_BUNDLE names its file).",
                        host=host,
                        reason=error.verify_message,
                    ),
                ),
                "certificate",
            )
        except ssl.SSLError:
            sentence = TranslatableText("{host} does not use https there: write http:// in the address.", host=host)
            return Diagnosis((sentence,), "address")
        except OSError:
            return None
        return None
    try:
        plain = ssl._create_unverified_context().wrap_socket(connection, server_hostname=host)
    except (ssl.SSLError, OSError):
        return None
    plain.close()
    return Diagnosis(
        (TranslatableText("{host} uses https there: write https:// in the address.", host=host),), "address"
    )
