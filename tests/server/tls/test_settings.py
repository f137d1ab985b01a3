# SPDX-License-Identifier: GPL-3.0-or-later
"""Unusable certificates and keys are refused with a clear sentence."""

import errno
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from server.config import ConfigError
from server.http.tls import TlsFront

from .conftest import CA, SERVER, BareBackend, Pems


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
