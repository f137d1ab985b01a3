# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights and the built add-on."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from server import __version__
from server.config import Config
from server.doctor.extension import check_extension
from server.doctor.weights import check_weights
from server.presets.preset import WEIGHTS

from .findings import the_one


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the weights, to damage."""
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_whole_weights_pass(weights: Path) -> None:
    assert {one.state for one in check_weights(weights)} == {"ok"}


@pytest.mark.parametrize("part", ["tiny/transformer", "tiny/text_encoder", "line_matcher", "settler"])
@pytest.mark.parametrize("harm", ["cut", "gone", "pointer"])
def test_damaged_weights_are_a_fault(weights: Path, part: str, harm: str) -> None:
    (file,) = (weights / part).glob("*.safetensors")
    if harm == "gone":
        file.unlink()
    elif harm == "cut":
        os.truncate(file, file.stat().st_size // 2)
    else:
        file.write_text("version https://git-lfs.github.com/spec/v1\n")
    name = {"line_matcher": "Line matcher", "settler": "Settler"}.get(part, "Preset tiny")
    found = the_one(check_weights(weights), "fault", name)
    assert "git restore" in found.remedy


def test_a_preset_whose_settings_cannot_be_read_is_a_fault(weights: Path) -> None:
    (weights / "tiny" / "preset.json").write_text("{")
    the_one(check_weights(weights), "fault", "Presets")


def test_no_preset_at_all_is_a_fault(weights: Path) -> None:
    (weights / "tiny" / "preset.json").unlink()
    the_one(check_weights(weights), "fault", "Presets")


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
