# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor finds each fault, says what to do, and changes nothing."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import av
import psycopg
import pytest
import sqlalchemy as sa
import torch
import trustme

from server import __version__
from server.config import Config
from server.doctor import versions
from server.doctor.blobs import check_blobs
from server.doctor.database import check_database
from server.doctor.extension import check_extension
from server.doctor.finding import Finding
from server.doctor.folder import check_folder
from server.doctor.machine import check_devices, check_films
from server.doctor.network import check_certificate, check_port
from server.doctor.versions import check_versions
from server.doctor.weights import check_weights
from server.presets.preset import WEIGHTS, available_presets
from server.storage.database import open_database
from server.storage.tokens import Tokens

from .conftest import Site

AUTHORITY = trustme.CA()


def the_one(findings: Iterable[Finding], state: str, check: str = "") -> Finding:
    """The one finding of a state, about something; whatever is wrong has a remedy."""
    (found,) = (one for one in findings if one.state == state and one.check.startswith(check))
    assert bool(found.remedy) == (state != "ok")
    return found


def contents(folder: Path) -> dict[str, str]:
    """The files below a folder and their digests."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as people do."""
    command = [sys.executable, "-m", "server", "doctor", "--listen", "127.0.0.1:0", *arguments]
    variables = os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=variables)


@pytest.mark.slow
def test_it_passes_a_sound_server_and_leaves_its_data_as_they_are(tmp_path: Path) -> None:
    open_database(Config(tmp_path)).dispose()
    (tmp_path / "blobs").mkdir()
    before = contents(tmp_path)
    done = doctor("--data", str(tmp_path), "--json")
    findings = json.loads(done.stdout)
    assert (done.returncode, [one for one in findings if one["state"] == "fault"]) == (0, [])
    checks = {one["check"] for one in findings}
    assert checks >= {"Python", "Packages", "Processor", "Preset tiny", "Films", "Disk", "Database", "Blob store"}
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_it_makes_nothing_where_nothing_is(tmp_path: Path) -> None:
    done = doctor("--data", str(tmp_path / "new"))
    assert done.returncode == 0, done.stdout
    assert "✓ Database" in done.stdout and "✓ Blob store" in done.stdout
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_fault_makes_its_exit_code_one(tmp_path: Path) -> None:
    (tmp_path / "server.sqlite").write_bytes(b"no database" * 1000)
    done = doctor("--data", str(tmp_path))
    assert done.returncode == 1
    assert "✗ Database" in done.stdout and "restore the backup" in done.stdout and "Traceback" not in done.stderr


def test_a_package_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    (tmp_path / "av.py").write_text("raise ImportError('libx264.so: cannot open shared object file')")
    done = doctor("--data", str(tmp_path), PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "libx264.so" in done.stdout and "python install.py server" in done.stdout


def project(folder: Path, python: str = ">=3.11", dependency: str = "flask") -> Distribution:
    """An installed project that asks for other versions than those installed."""
    wanted = f"Requires-Python: {python}\nRequires-Dist: {dependency}\nRequires-Dist: absent; extra == 'other'\n"
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: project\nVersion: 1.0\n{wanted}")
    return Distribution.at(folder)


def test_a_python_that_is_too_old_is_a_fault(tmp_path: Path) -> None:
    assert ">=4" in the_one(check_versions(project(tmp_path, python=">=4")), "fault", "Python").text


@pytest.mark.parametrize("dependency", ["flask==0.1", "no-such-package-at-all"])
def test_a_missing_or_wrong_package_is_a_fault(tmp_path: Path, dependency: str) -> None:
    found = the_one(check_versions(project(tmp_path, dependency=dependency)), "fault", "Packages")
    assert dependency.partition("=")[0] in found.text


def test_a_version_that_was_not_tested_is_a_warning(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# exact versions\nFlask==99.0 ; sys_platform != 'emscripten'\n")
    found = the_one(check_versions(project(tmp_path), lock), "warning", "Packages")
    assert "not 99.0" in found.text


def test_a_project_that_is_not_installed_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "PROJECT", "no-such-project")
    assert "no-such-project" in the_one(check_versions(), "fault", "Packages").text


def test_a_gpu_that_only_the_driver_sees_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if torch.cuda.is_available():
        pytest.skip("torch can use the GPU here")
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-1)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = the_one(check_devices(), "warning", "GPU")
    assert "NVIDIA A100-SXM4-80GB" in found.text and torch.__version__ in found.text


@pytest.mark.parametrize(("free", "state"), [(40_000_000_000, "ok"), (1_000_000, "warning")])
def test_it_tells_which_presets_fit_a_gpu(monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    for name, value in (
        ("is_available", True),
        ("device_count", 1),
        ("get_device_name", "NVIDIA A100"),
        ("mem_get_info", (free, 80_000_000_000)),
        ("is_bf16_supported", True),
    ):
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value, **__: value)
    preset = replace(available_presets()[0], gpu=True)
    found = the_one(check_devices([preset]), state, "GPU 0, tiny")
    assert ("too little" in found.text) == (state == "warning")


def test_a_preset_for_gpus_without_one_is_a_warning() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert "tiny" in the_one(check_devices([replace(available_presets()[0], gpu=True)]), "warning", "GPU").text


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the weights, to damage."""
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_whole_weights_pass(weights: Path) -> None:
    assert {one.state for one in check_weights(weights)} == {"ok"}


@pytest.mark.parametrize("part", ["tiny/transformer", "tiny/text_encoder", "line_matcher"])
@pytest.mark.parametrize("harm", ["cut", "gone", "pointer"])
def test_damaged_weights_are_a_fault(weights: Path, part: str, harm: str) -> None:
    (file,) = (weights / part).glob("*.safetensors")
    if harm == "gone":
        file.unlink()
    elif harm == "cut":
        os.truncate(file, file.stat().st_size // 2)
    else:
        file.write_text("version https://git-lfs.github.com/spec/v1\n")
    name = "Line matcher" if part == "line_matcher" else "Preset tiny"
    found = the_one(check_weights(weights), "fault", name)
    assert "git restore" in found.remedy


def test_a_preset_whose_settings_cannot_be_read_is_a_fault(weights: Path) -> None:
    (weights / "tiny" / "preset.json").write_text("{")
    the_one(check_weights(weights), "fault", "Presets")


def test_no_preset_at_all_is_a_fault(weights: Path) -> None:
    (weights / "tiny" / "preset.json").unlink()
    the_one(check_weights(weights), "fault", "Presets")


def test_a_missing_film_encoder_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = av.codec.Codec
    monkeypatch.setattr(av.codec, "Codec", lambda _name, mode: codec("no such encoder", mode))
    the_one(check_films(), "fault", "Films")


def read_only(folder: Path) -> None:
    """Let nobody write to a mounted file system any more, root neither."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def test_a_data_folder_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    the_one(check_folder(Config(tmp_path / "file" / "data")), "fault", "Data folder")


def test_a_data_folder_that_cannot_be_written_is_a_fault(small_disk: Path) -> None:
    read_only(small_disk)
    the_one(check_folder(Config(small_disk / "data")), "fault", "Data folder")
    the_one(check_blobs(Config(small_disk / "data")), "fault", "Blob store")


def test_a_disk_that_is_nearly_full_is_a_fault(small_disk: Path) -> None:
    the_one(check_folder(Config(small_disk)), "fault", "Disk")


def test_a_damaged_database_is_a_fault(tmp_path: Path) -> None:
    engine = open_database(Config(tmp_path))
    for number in range(200):
        Tokens(engine).create(f"animator {number}")
    engine.dispose()
    file = tmp_path / "server.sqlite"
    content = bytearray(file.read_bytes())
    place = content.index(b"animator 100") // 4096 * 4096
    content[place : place + 64] = os.urandom(64)
    file.write_bytes(content)
    assert "restore" in the_one(check_database(Config(tmp_path)), "fault", "Database").remedy


def test_a_database_of_an_older_server_is_told(tmp_path: Path) -> None:
    engine = open_database(Config(tmp_path))
    with engine.begin() as connection:
        connection.execute(sa.DDL("DROP TABLE pictures"))
    engine.dispose()
    assert "pictures" in the_one(check_database(Config(tmp_path)), "warning", "Database").text


def test_a_running_server_s_database_and_port_pass(site: Site) -> None:
    port = int(site.root.rpartition(":")[2])
    config = Config(site.data, port=port)
    assert "whole" in the_one(check_database(config), "ok", "Database").text
    assert "LongAnimation Color" in the_one(check_port(config), "ok", "Port").text


def test_a_database_server_s_version_and_clock_are_told(tmp_path: Path, postgresql: Any) -> None:
    config = Config(tmp_path, database=postgresql.new_database())
    assert "empty" in the_one(check_database(config), "ok", "Database").text
    open_database(config).dispose()
    findings = list(check_database(config))
    assert "PostgreSQL" in the_one(findings, "ok", "Database").text
    the_one(findings, "ok", "Clock")


def test_a_database_server_whose_clock_is_wrong_is_a_fault(tmp_path: Path, postgresql: Any) -> None:
    database = postgresql.new_database()
    with psycopg.connect(database, autocommit=True) as connection:
        later = "SELECT pg_catalog.clock_timestamp() + interval '1 minute'"
        connection.execute(f"CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $${later}$$")
        name = database.rpartition("/")[2]
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog')
    found = the_one(check_database(Config(tmp_path, database=database)), "fault", "Clock")
    assert "60 s ahead" in found.text


def test_a_database_server_that_does_not_answer_is_a_fault_that_tells_no_password(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = Config(tmp_path, database=f"postgresql://anna:s3cr3t-w0rd@127.0.0.1:{port}/studio")
    found = the_one(check_database(config), "fault", "Database")
    assert str(port) in found.text and "s3cr3t" not in found.text


def test_a_database_that_is_not_there_is_a_fault(tmp_path: Path, postgresql: Any) -> None:
    address = postgresql.new_database().rpartition("/")[0]
    found = the_one(check_database(Config(tmp_path, database=f"{address}/nowhere")), "fault", "Database")
    assert "nowhere" in found.text


def test_the_probe_of_a_blob_store_leaves_nothing(tmp_path: Path) -> None:
    store = tmp_path / "blobs"
    store.mkdir()
    the_one(check_blobs(Config(tmp_path)), "ok", "Blob store")
    assert not list(store.iterdir())


def test_a_blob_store_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    the_one(check_blobs(Config(tmp_path)), "fault", "Blob store")


@pytest.mark.parametrize("address", ["nosuchstore://bucket", "s3://bucket/prefix"])
def test_a_blob_store_that_nothing_here_can_write_is_a_fault(tmp_path: Path, address: str) -> None:
    if address.startswith("s3"):
        try:
            import s3fs  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("s3fs is installed")
    the_one(check_blobs(Config(tmp_path, blobs=address)), "fault", "Blob store")


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


@pytest.mark.parametrize("exists", [False, True], ids=["new", "opened before"])
def test_beyond_this_machine_a_server_without_tokens_is_a_fault(tmp_path: Path, exists: bool) -> None:
    config = Config(tmp_path, host="0.0.0.0")
    if exists:
        open_database(config).dispose()
    assert "python -m server token" in the_one(check_database(config), "fault", "Tokens").remedy
    engine = open_database(config)
    Tokens(engine).create("studio")
    engine.dispose()
    the_one(check_database(config), "ok", "Tokens")


def test_an_add_on_that_is_not_built_broken_or_old_is_a_warning(tmp_path: Path) -> None:
    config = Config(tmp_path, extensions=tmp_path)
    the_one(check_extension(config), "warning", "Add-on")
    (tmp_path / "broken.zip").write_bytes(b"PK")
    assert len(list(check_extension(config))) == 2
    (tmp_path / "broken.zip").unlink()
    for version, state in (("0.0.1", "warning"), (__version__, "ok")):
        with zipfile.ZipFile(tmp_path / f"addon-{version}.zip", "w") as archive:
            archive.writestr("blender_manifest.toml", f'version = "{version}"')
        assert version in the_one(check_extension(config), state, "Add-on").text
