# SPDX-License-Identifier: GPL-3.0-or-later
"""The port and the certificate."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from server.config import Config
from server.doctor.network import check_certificate, check_port

from .findings import the_one

AUTHORITY = trustme.CA()


@pytest.mark.slow
def test_a_port_that_another_program_has_is_a_fault_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = the_one(check_port(Config(tmp_path, port=port)), "fault", "Port").text
    assert str(os.getpid()) in text


def test_an_address_of_another_machine_is_a_fault(tmp_path: Path) -> None:
    the_one(check_port(Config(tmp_path, host="192.0.2.1", port=0)), "fault", "Port")


def certified(folder: Path, days: float, begins: float = -100.0) -> Config:
    """A server with a certificate that is valid from and to so many days from now."""
    now = datetime.now(UTC)
    pair = AUTHORITY.issue_cert(
        "box.studio", not_before=now + timedelta(days=begins), not_after=now + timedelta(days=days)
    )
    pair.private_key_pem.write_to_path(folder / "key.pem")
    for part in pair.cert_chain_pems:
        part.write_to_path(folder / "cert.pem", append=True)
    return Config(folder, host="0.0.0.0", certificate=folder / "cert.pem", key=folder / "key.pem")


def test_a_certificate_tells_how_long_it_is_valid(tmp_path: Path) -> None:
    assert "90 more days" in the_one(check_certificate(certified(tmp_path, 90.4)), "ok").text


def test_a_certificate_that_soon_expires_is_a_warning(tmp_path: Path) -> None:
    assert "3 more days" in the_one(check_certificate(certified(tmp_path, 3.4)), "warning").text


def test_an_expired_certificate_is_a_fault(tmp_path: Path) -> None:
    found = the_one(check_certificate(certified(tmp_path, -1.0)), "fault")
    assert "expired" in found.text and "Renew" in found.remedy


def test_a_certificate_that_is_not_valid_yet_is_a_fault_of_the_clock(tmp_path: Path) -> None:
    assert "clock" in the_one(check_certificate(certified(tmp_path, 90.0, begins=1.0)), "fault").remedy


def test_the_key_of_another_certificate_is_a_fault(tmp_path: Path) -> None:
    config = certified(tmp_path, 90.0)
    AUTHORITY.issue_cert("other.studio").private_key_pem.write_to_path(tmp_path / "key.pem")
    the_one(check_certificate(config), "fault")


def test_a_certificate_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    config = certified(tmp_path, 90.0)
    (tmp_path / "cert.pem").unlink()
    the_one(check_certificate(config), "fault")


def test_no_certificate_matters_only_beyond_this_machine(tmp_path: Path) -> None:
    assert not list(check_certificate(Config(tmp_path)))
    the_one(check_certificate(Config(tmp_path, host="0.0.0.0")), "warning", "Certificate")
