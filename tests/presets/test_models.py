# SPDX-License-Identifier: GPL-3.0-or-later
"""`install.py models`: licenses first, then disk space, downloads and conversion, with a hub on this machine."""

import hashlib
import io
import json
import shutil
import signal
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file

from server.engines import find_engine
from server.longanimation.convert import verify_folder
from server.longanimation.footprint import Workload
from server.longanimation.line_extractor import InformativeDrawings, _Generator
from server.presets import installation, published_wan
from server.presets.cli import main
from server.presets.preset import NoBackgrounds, check_background, find_preset
from server.presets.published_extractor import DOWNLOAD, EXTRACTOR, FILE, extractor_weights
from server.presets.published_preset import DOWNLOADS, PRESET, SETTINGS
from tests.engines.miniature_wan import write_wan
from tests.hub import COMMIT, Hub, running
from tests.longanimation.miniature import Weights, write_downloads

ACCEPTED = [PRESET, "--accept-licenses"]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], dict[str, Weights]]:
    """The four repositories as folders, including files that are not needed, and the weights."""
    root = tmp_path_factory.mktemp("hub")
    downloads, weights = write_downloads(root)
    own = root / "LongAnimation" / "weights"
    own.mkdir(parents=True)
    for file in (downloads.control, downloads.memory):
        file.rename(own / file.name)
    assert downloads.vision_tower is not None
    folders = (downloads.cogvideox, own.parent, downloads.video_xl.parent, downloads.vision_tower)
    for folder in folders:
        (folder / "README.md").write_text("Not needed.")
    (downloads.video_xl / "training_args.bin").write_bytes(b"not needed")
    return dict(zip((download.repository for download in DOWNLOADS), folders, strict=True)), weights


@pytest.fixture
def hub(
    published: tuple[dict[str, Path], dict[str, Weights]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hub]:
    """A hub that has them, as HF_ENDPOINT would give it (which is read when the client is imported)."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with running(dict(published[0])) as hub:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        yield hub


class Terminal(io.StringIO):
    """A person's answer."""

    def isatty(self) -> bool:
        return True


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_preset_is_fetched_converted_and_found(
    hub: Hub,
    published: tuple[dict[str, Path], dict[str, Weights]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(ACCEPTED, tmp_path) == 0
    said = capsys.readouterr().out
    assert all(download.license in said and download.repository in said for download in DOWNLOADS)
    assert said.count(COMMIT) == len(DOWNLOADS)
    preset = find_preset(PRESET, tmp_path)
    verify_folder(preset.folder)
    found = load_file(preset.folder / "dynamic_memory" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(found[name], weight.bfloat16()) for name, weight in published[1]["dynamic_memory"].items())
    fetched = [request for request in hub.requests if request.startswith("GET") and "/resolve/" in request]
    assert len(fetched) == len(set(fetched)) == 28
    assert not [request for request in fetched if "README" in request or "training_args" in request]

    hub.requests.clear()
    assert main([PRESET], tmp_path) == 0
    assert "License of the weights: CogVideoX License" in capsys.readouterr().out
    assert not hub.requests, "what is installed is only described"


def test_without_a_terminal_and_without_the_flag_nothing_is_downloaded(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main([PRESET], tmp_path) == 1
    said = capsys.readouterr()
    assert "CogVideoX License" in said.out
    assert "--accept-licenses" in said.err and "Nothing was downloaded" in said.err
    assert not hub.requests and not files_in(tmp_path)


def test_scripts_may_spell_the_flag_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.presets.installation.install", lambda *_: 0)
    assert main([PRESET, "--accept-licences"], tmp_path) == 0


def test_a_preset_that_an_older_version_wrote_is_read(tmp_path: Path) -> None:
    newer = {"license", "binary_sketches"}
    settings = {name: value for name, value in SETTINGS.items() if name not in newer} | {"licence": "MIT"}
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "preset.json").write_text(json.dumps(settings), encoding="utf-8")
    old = find_preset("old", tmp_path)
    assert old.license == "MIT" and old.binary_sketches


def test_a_preset_may_leave_out_what_newer_versions_added_but_nothing_else(tmp_path: Path) -> None:
    def write(settings: dict) -> None:
        (tmp_path / "mine" / "preset.json").write_text(json.dumps(settings), encoding="utf-8")

    (tmp_path / "mine").mkdir()
    write({name: value for name, value in SETTINGS.items() if name not in ("quality", "model_weight", "lined_memory")})
    assert find_preset("mine", tmp_path).model_weight == 1
    write({name: value for name, value in SETTINGS.items() if name != "steps"})
    with pytest.raises(ValueError, match=r"must also set \['steps'\]"):
        find_preset("mine", tmp_path)
    write(SETTINGS | {"stepps": 3})
    with pytest.raises(ValueError, match=r"sets \['stepps'\], but a preset has only .*'steps'"):
        find_preset("mine", tmp_path)


def test_a_preset_that_paints_no_backgrounds_names_those_that_do(tmp_path: Path) -> None:
    for name, able in (("hill", True), ("tiny", False)):
        (tmp_path / name).mkdir()
        settings = json.dumps(SETTINGS | {"paints_backgrounds": able})
        (tmp_path / name / "preset.json").write_text(settings, encoding="utf-8")
    tiny = find_preset("tiny", tmp_path)
    check_background(tiny, "kept", tmp_path)
    check_background(find_preset("hill", tmp_path), "generated", tmp_path)
    with pytest.raises(NoBackgrounds, match=r"preset tiny cannot paint a background .* or use hill"):
        check_background(tiny, "generated", tmp_path)
    shutil.rmtree(tmp_path / "hill")
    with pytest.raises(NoBackgrounds, match=r"install another preset with `python install\.py models`"):
        check_background(tiny, "generated", tmp_path)


@pytest.mark.parametrize(("answer", "code"), [("", 1), ("n", 1), ("yes", 0)])
def test_at_a_terminal_the_licenses_are_asked_about(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    assert main([PRESET], tmp_path) == code
    assert bool(hub.requests) == (tmp_path / PRESET).exists() == (code == 0)


def test_a_download_that_breaks_off_is_resumed(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # what the client keeps is in whole pieces of it
    shard = "transformer/diffusion_pytorch_model-00002-of-00003.safetensors"
    half = hub.files(DOWNLOADS[0].repository)[shard].stat().st_size // 2
    hub.cut.add(shard)
    assert main(ACCEPTED, tmp_path) == 0
    assert [request for request in hub.requests if request.endswith(f"{shard} bytes={half // 1000 * 1000}-")]
    verify_folder(tmp_path / PRESET)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_download_goes_on_with_the_files_that_are_there(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(request: str) -> None:
        if "GET" in request and request.endswith("vae/config.json"):
            signal.raise_signal(signal.SIGINT)

    hub.watch = interrupt
    assert main(ACCEPTED, tmp_path) == 1
    assert "Interrupted. Run the same command again" in capsys.readouterr().err
    first = set(hub.requests)
    hub.watch = lambda request: None
    hub.requests.clear()
    assert main(ACCEPTED, tmp_path) == 0
    again = {request for request in first & set(hub.requests) if "/resolve/" in request}
    assert all(request.endswith("vae/config.json") for request in again)
    verify_folder(tmp_path / PRESET)


def test_a_file_with_another_checksum_than_the_hubs_is_refused(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.changed.add("weights/control_module.safetensors")
    assert main(ACCEPTED, tmp_path) == 1
    assert "control_module.safetensors has the SHA-256" in capsys.readouterr().err
    assert not (tmp_path / PRESET).exists()


def test_a_file_that_the_hub_no_longer_has_is_named(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.repositories["CNcreator0331/LongAnimation"] = hub.repositories["sy1998/Video_XL"]
    assert main(ACCEPTED, tmp_path) == 1
    assert "LongAnimation on the hub has no *control_module.safetensors" in capsys.readouterr().err
    assert not [request for request in hub.requests if "/resolve/" in request]


def test_a_repository_that_is_gone_is_named(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del hub.repositories["sy1998/Video_XL"]
    assert main(ACCEPTED, tmp_path) == 1
    assert "sy1998/Video_XL could not be reached" in capsys.readouterr().err


def test_without_a_hub_one_sentence_says_how_to_bring_the_files(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert main(ACCEPTED, tmp_path) == 1
    said = capsys.readouterr().err
    assert "could not be reached" in said and "python -m server convert" in said
    assert "Traceback" not in said and said.count("\n") == 1
    assert not files_in(tmp_path)


def test_a_disk_without_room_is_noticed_before_anything_is_downloaded(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "total used free")(0, 0, 1_000_000))
    assert main(ACCEPTED, tmp_path) == 1
    assert "0.0 GB free" in capsys.readouterr().err
    assert not [request for request in hub.requests if "/resolve/" in request]


def test_what_lies_in_the_way_is_noticed_before_anything_is_downloaded(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / PRESET).mkdir()
    assert main(ACCEPTED, tmp_path) == 1
    assert "exists and is not a preset" in capsys.readouterr().err
    assert not hub.requests


def test_downloads_are_removed_when_asked_and_nothing_else_with_them(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").touch()
    assert main([*ACCEPTED, "--downloads", str(folder), "--remove-downloads"], tmp_path) == 0
    assert files_in(folder) == ["letter.txt"]
    verify_folder(tmp_path / PRESET)


def test_an_unknown_preset_is_refused_with_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["huge"]) == 1
    said = capsys.readouterr().err
    assert "'huge'" in said and "tiny" in said and PRESET in said


@pytest.fixture
def extractor(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The line extractor's file on the hub, with weights of the published shapes, and its checksum."""
    file = tmp_path / "space" / FILE
    file.parent.mkdir()
    torch.save(_Generator().state_dict(), file)
    (file.parent / "app.py").write_text("not needed")
    hub.repositories[DOWNLOAD.repository] = file.parent
    monkeypatch.setattr(installation, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    return file


def test_the_line_extractor_is_fetched_with_its_license(
    hub: Hub, extractor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights"
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main([EXTRACTOR], weights) == 1
    said = capsys.readouterr()
    assert DOWNLOAD.license in said.out and "huggingface.co/spaces/carolineec/informativedrawings" in said.out
    assert "Nothing was downloaded" in said.err and not weights.exists()

    assert main([EXTRACTOR, "--accept-licenses"], weights) == 0
    assert files_in(weights) == [f"{EXTRACTOR}/{FILE}"]
    assert extractor_weights(weights).read_bytes() == extractor.read_bytes()
    InformativeDrawings(extractor_weights(weights))
    assert [request for request in hub.requests if f"/spaces/{DOWNLOAD.repository}/resolve/{COMMIT}/{FILE}" in request]

    hub.requests.clear()
    capsys.readouterr()
    assert main([EXTRACTOR], weights) == 0
    assert "MIT" in capsys.readouterr().out and not hub.requests


def test_a_line_extractor_that_is_not_the_published_one_is_not_installed(
    extractor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(installation, "SHA256", "0" * 64)
    assert main([EXTRACTOR, "--accept-licenses"], tmp_path / "weights") == 1
    assert "Nothing was installed" in capsys.readouterr().err
    assert not files_in(tmp_path / "weights")


@pytest.fixture
def wan_hub(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Path:
    """The hub also has Wan VACE, at small width. Returns its folder."""
    folder = tmp_path_factory.mktemp("wan")
    write_wan(folder)
    (folder / "preset.json").unlink()
    (folder / "README.md").write_text("Not needed.")
    hub.repositories[published_wan.DOWNLOADS[0].repository] = folder
    return folder


def test_wan_is_fetched_and_found(hub: Hub, wan_hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([published_wan.PRESET, "--accept-licenses"], tmp_path) == 0
    assert "Apache-2.0" in capsys.readouterr().out
    preset = find_preset(published_wan.PRESET, tmp_path)
    assert preset.engine == "wan-vace" and preset.gpu
    verify_folder(preset.folder)
    assert not (preset.folder / "README.md").exists()
    workload = Workload(preset.pixels, preset.segment)
    assert find_engine(preset.engine).load(preset.folder, torch.device("cpu"), workload, "auto").multiple == 16
    assert main([published_wan.PRESET], tmp_path) == 0
    assert "License of the weights: Apache-2.0." in capsys.readouterr().out


def test_a_file_of_wan_that_was_damaged_is_fetched_again(
    hub: Hub, wan_hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = "transformer/diffusion_pytorch_model.safetensors"
    hub.changed.add(damaged)
    assert main([published_wan.PRESET, "--accept-licenses"], tmp_path) == 1
    assert damaged in capsys.readouterr().err and not (tmp_path / published_wan.PRESET).exists()
    hub.changed.clear()
    assert main([published_wan.PRESET, "--accept-licenses"], tmp_path) == 0
