# SPDX-License-Identifier: GPL-3.0-or-later
"""The project as a package: one version everywhere, and a wheel with everything that the server needs."""

import os
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import numpy as np
import pytest

import server
from server.config import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with the backend that is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(REPOSITORY))
    (built,) = folder.glob("*.whl")
    return built


def _pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_server_package_and_extension_have_one_version(wheel: Path) -> None:
    manifest = tomllib.loads((REPOSITORY / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == server.__version__
    assert wheel.name.split("-")[1] == server.__version__


def test_the_changelog_knows_the_version() -> None:
    assert f"\n## [{server.__version__}] – " in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_wheel_has_code_pages_and_the_included_weights(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"longanimation_color-{server.__version__}.dist-info"
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
    packages = [REPOSITORY / "server", REPOSITORY / "shared"]
    code = {path.relative_to(REPOSITORY).as_posix() for package in packages for path in package.rglob("*.py")}
    data = {
        path.relative_to(REPOSITORY).as_posix()
        for folder in (
            "http/dashboard/templates",
            "http/dashboard/static",
            "weights/tiny",
            "weights/line_matcher",
            "weights/settler",
        )
        for path in (REPOSITORY / "server" / folder).rglob("*")
        if path.is_file()
    }
    assert len(data) > 20
    assert code | data | {"server/training/accelerate.yaml"} <= names
    others = {name.split("/")[0] for name in names} - {"server", "shared", info}
    assert not others, "neither tests nor the extension, which Blender's own packer packs"
    weights = {name.split("/")[2] for name in names if name.startswith("server/weights/")}
    assert weights == {"tiny", "line_matcher", "settler"}
    extras = {"docs", "evaluate", "gpu", "postgres", "s3", "sakuga", "test", "train"}
    assert set(metadata.get_all("Provides-Extra", ())) == extras


def test_the_wheel_brings_the_command(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    _pip("--python", str(scripts / "python"), "install", "--no-deps", "--no-index", str(wheel))
    # What the server needs comes from here, but not the server itself: a folder on PYTHONPATH has no .pth files.
    site = Path(np.__file__).parents[1]
    ask = "import server; print(server.__file__)"
    run = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(site)}, "text": True, "capture_output": True}
    assert str(folder) in subprocess.run([scripts / "python", "-c", ask], **run).stdout
    helped = subprocess.run([scripts / "longanimation", "--help"], **run)
    assert helped.returncode == 0, helped.stderr
    assert "serve" in helped.stdout and "colorize" in helped.stdout
