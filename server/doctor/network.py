# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the network: is the port free, and do clients accept the certificate?"""

import errno
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import requests

from server.config import Config, ConfigError
from server.http.tls import TlsFront

from .finding import Finding, fault, ok, warning

ASK_SECONDS = 5.0
SOON_DAYS = 21.0
EXPIRED, NOT_YET = 10, 9
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID."""


def check_port(config: Config) -> Iterator[Finding]:
    """Try to listen. If the port is taken, name the program that uses it."""
    check = f"Port {config.port}"
    try:
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        socket.create_server((config.host, config.port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            yield _taken(config)
        elif error.errno == errno.EACCES:
            remedy = "Choose one above 1023 with --listen, and forward the low one to it by a proxy or a firewall rule."
            yield fault(check, "only root may listen there", remedy)
        else:
            remedy = "Choose an address of this machine with --listen HOST:PORT; 0.0.0.0 stands for all of them."
            yield fault(check, f"cannot listen on {config.host}: {error.strerror}", remedy)
    else:
        yield ok(check, f"free on {config.host}")


def _taken(config: Config) -> Finding:
    check = f"Port {config.port}"
    if _is_ours(config):
        return ok(check, "a LongAnimation Color server already listens there and is running")
    remedy = "Stop that program, or choose another port with --listen HOST:PORT."
    return fault(check, f"{_listener(config.port)} already listens there", remedy)


def _is_ours(config: Config) -> bool:
    """Ask the program that listens whether it is a LongAnimation Color server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)
    address = f"[{host}]" if ":" in host else host
    with requests.Session() as session:
        session.trust_env = False  # there is no proxy between this machine and itself
        for scheme in ("http", "https"):
            try:
                with warnings.catch_warnings(action="ignore"):  # it may be anybody, but nothing secret is sent
                    answer = session.get(
                        f"{scheme}://{address}:{config.port}/healthz", timeout=ASK_SECONDS, verify=False
                    )
            except requests.RequestException:
                continue
            if answer.headers.get("Server") == "LongAnimation Color" and answer.status_code == 200:
                return True
    return False


def _listener(port: int) -> str:
    """Return the program that listens on a port, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass
    return "another program"


def check_certificate(config: Config) -> Iterator[Finding]:
    """Try a TLS handshake with the certificate, and report how long it is valid."""
    if config.certificate is None or config.key is None:
        if not config.is_private:
            remedy = "Give --cert FILE --key FILE, or put a proxy with TLS in front of the server."
            yield warning("Certificate", "none: tokens and images are sent unencrypted", remedy)
        return
    try:
        TlsFront(config.host, 0, ("127.0.0.1", 0), config.certificate, config.key)
        seconds = ssl.cert_time_to_seconds(_end_of(config.certificate, config.key)) - time.time()
    except ConfigError as error:
        yield fault("Certificate", "unusable", str(error))
    except ssl.SSLCertVerificationError as error:
        yield fault("Certificate", f"clients refuse it: {error.verify_message}", _renew(error.verify_code))
    else:
        days = seconds / (24 * 3600)
        text = f"{config.certificate} fits its key and is valid for {days:.0f} more days"
        yield ok("Certificate", text) if days > SOON_DAYS else warning("Certificate", text, _renew(EXPIRED))


def _renew(code: int) -> str:
    if code == NOT_YET:
        return "Correct this machine's clock, or wait until it is valid."
    return "Renew it and restart the server, which reads the files when it starts."


def _end_of(certificate: Path, key: Path) -> str:
    """Return when the certificate expires, as OpenSSL writes it. Raises SSLCertVerificationError if it is not valid.

    The standard library returns that date only for a peer's verified certificate. So this connects a client, which
    trusts only this certificate, to a server in memory.
    """
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, key, password="")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    theirs.check_hostname = False
    theirs.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    theirs.load_verify_locations(certificate)
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ours.wrap_bio(one, other, server_side=True)
    client = theirs.wrap_bio(other, one)
    for end in (client, server, client):
        with suppress(ssl.SSLWantReadError):  # it is the other's turn
            end.do_handshake()
    found = client.getpeercert()
    assert found is not None
    return str(found["notAfter"])
