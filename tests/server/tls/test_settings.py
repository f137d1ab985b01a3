# SPDX-License-Identifier: GPL-3.0-or-later
"""Unusable certificates and keys are refused with a clear sentence."""

import errno
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from server.config import ConfigError
from server.http import tls
from server.http.tls import TlsFront

from .conftest import CA, SERVER, WAIT_SECONDS, Backend, BareBackend, Pems


def test_a_port_in_use_is_told_to_who_starts_it(pems: Pems, bare: BareBackend) -> None:
    front = TlsFront("127.0.0.1", bare.address[1], ("127.0.0.1", 1), pems.certificate, pems.key)
    with pytest.raises(OSError) as refusal:
        front.start()
    assert refusal.value.errno == errno.EADDRINUSE
    front.stop()


def _encrypted_key() -> bytes:
    key = serialization.load_pem_private_key(SERVER.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "key",
    [None, b"", b"not a key", CA.issue_cert("localhost").private_key_pem.bytes(), _encrypted_key()],
    ids=["missing", "empty", "malformed", "another's", "encrypted"],
)
def test_a_key_that_cannot_be_used_is_refused_with_a_sentence(pems: Pems, key: bytes | None) -> None:
    if key is None:
        pems.key.unlink()
    else:
        pems.key.write_bytes(key)
    with pytest.raises(ConfigError, match=r"key\.pem .*PEM file .* unencrypted key\.$"):
        TlsFront("127.0.0.1", 0, ("127.0.0.1", 1), pems.certificate, pems.key)


def test_a_certificate_that_cannot_be_used_is_refused_with_a_sentence(pems: Pems, tmp_path: Path) -> None:
    pems.certificate.write_bytes(b"not a certificate")
    for certificate in (pems.certificate, tmp_path / "certificate", tmp_path):
        with pytest.raises(ConfigError, match=r"PEM file .* unencrypted key\.$") as refusal:
            TlsFront("127.0.0.1", 0, ("127.0.0.1", 1), certificate, pems.key)
        assert str(certificate) in str(refusal.value)


def serial(front: TlsFront, pems: Pems) -> int:
    """The serial number of the certificate that a new connection gets."""
    context = ssl.create_default_context(cafile=str(pems.authority))
    with (
        socket.create_connection(("127.0.0.1", front.port), WAIT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return int(str((connection.getpeercert() or {})["serialNumber"]), 16)


def test_a_new_certificate_is_used_without_a_restart_and_one_that_does_not_fit_is_not(
    pems: Pems, start: Callable[..., TlsFront], backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "RELOAD_SECONDS", 0.05)
    front = start(backend.address)
    first = serial(front, pems)
    new = CA.issue_cert("localhost", "127.0.0.1")
    pems.certificate.write_bytes(b"".join(pem.bytes() for pem in new.cert_chain_pems))
    time.sleep(0.5)
    assert serial(front, pems) == first, "its key is still missing"
    pems.key.write_bytes(new.private_key_pem.bytes())
    end = time.monotonic() + WAIT_SECONDS
    while serial(front, pems) == first:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_server_behind_knows_whose_connection_it_is(
    pems: Pems, start: Callable[..., TlsFront], bare: BareBackend, shake_hands: Callable[[TlsFront], ssl.SSLSocket]
) -> None:
    front = start(bare.address)
    client = shake_hands(front)
    behind = bare.accept()
    assert front.find_client(behind.getpeername()) == client.getsockname()
    assert front.find_client(("127.0.0.1", 1)) == ("127.0.0.1", 1)
    behind.close()
