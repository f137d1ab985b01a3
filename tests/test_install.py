# SPDX-License-Identifier: GPL-3.0-or-later
"""install.py makes complete environments once, resumes and repairs them, and explains every failure in a sentence.

The environments here are real: Python's venv, its pip, and wheels that the tests make. Nothing comes from the network.
"""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import install
from server import environments
from server.environments import ROOT, Broken, Environment, Failure, Unavailable, explain

pytestmark = pytest.mark.slow

OLD_PYTHONS = [
    path for minor in range(6, 11) for path in Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")
] or [Path(path) for minor in range(6, 11) if (path := shutil.which(f"python3.{minor}"))]
BLENDER_FOLDERS = sorted((ROOT / ".blender").glob("*/bin/python"))


def make_wheel(folder: Path, name: str, version: str = "1.0", body: str = "") -> None:
    """Write a wheel with one module."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}.py", body)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment that takes the package `pencil` from a folder of wheels, with no other index."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "pencil")
    arguments = ("--no-index", "--find-links", str(wheels), "pencil")
    return Environment("pencils", tmp_path / "venv", arguments, "1.0", "import pencil", (), 0.1)


def has_pencil(environment: Environment) -> bool:
    return subprocess.call([environment.python, "-c", "import pencil"], stderr=subprocess.DEVNULL) == 0


def test_a_complete_environment_is_left_alone(environment: Environment) -> None:
    environments.prepare([environment])
    assert has_pencil(environment)
    nothing_to_get = replace(environment, requirements=("--no-index", "nothing-like-this"))
    environments.prepare([nothing_to_get])


def test_new_pins_are_installed_into_a_complete_environment(environment: Environment, tmp_path: Path) -> None:
    environments.prepare([environment])
    make_wheel(tmp_path / "wheels", "pencil", "2.0", "sharp = True")
    newer = replace(environment, requirements=(*environment.requirements[:-1], "pencil==2.0"), pins="2.0")
    environments.prepare([replace(newer, probe="import pencil; assert pencil.sharp")])


def test_an_interrupted_installation_has_no_stamp_and_goes_on(environment: Environment) -> None:
    with pytest.raises(Unavailable):
        environments.prepare([replace(environment, requirements=(*environment.requirements, "eraser"))])
    assert environment.starts()
    assert not environment.is_complete()
    kept = environment.folder / "kept"
    kept.touch()
    environments.prepare([environment])
    assert environment.is_complete()
    assert kept.exists(), "what was there is used, not thrown away"


def test_an_environment_whose_python_is_gone_is_made_anew(environment: Environment) -> None:
    environments.prepare([environment])
    Path(environment.python).unlink()
    environments.prepare([environment])
    assert has_pencil(environment)


def test_an_environment_with_damaged_packages_is_made_anew(environment: Environment) -> None:
    environments.prepare([environment])
    site = next(environment.folder.glob("[Ll]ib/**/site-packages"))
    (site / "pencil.py").write_text("broken(", encoding="utf-8")
    (environment.folder / environments.STAMP).unlink()
    environments.prepare([environment])
    assert has_pencil(environment)


def test_a_probe_that_fails_in_a_new_environment_is_reported_with_its_words(environment: Environment) -> None:
    with pytest.raises(Broken, match="the lead is broken"):
        environments.prepare([replace(environment, probe="raise SystemExit('the lead is broken')")])
    assert not environment.is_complete()


def test_cuda_packages_in_a_cpu_environment_are_refused(environment: Environment, tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "nvidia-cublas")
    environments.install(environment, clear=True)
    environments.pip(environment, *environment.requirements[:-1], "nvidia-cublas")
    with pytest.raises(Failure, match="nvidia-cublas"):
        environments.try_out(replace(environment, torch="torch==2.13.0+cpu"))
    environments.try_out(replace(environment, torch="torch==2.13.0"))


def test_no_network_is_said_and_not_taken_for_a_missing_package(environment: Environment) -> None:
    offline = ("--index-url", "http://127.0.0.1:9/simple", "--retries", "1", "pencil")
    with pytest.raises(Failure, match="could not be reached") as caught:
        environments.prepare([replace(environment, requirements=offline)])
    assert not isinstance(caught.value, Unavailable)


def test_the_cpu_build_of_torch_is_looked_for_in_its_own_index_when_the_usual_ones_lack_it(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index" / "torch"
    index.mkdir(parents=True)
    make_wheel(index, "torch", "2.13.0+cpu")
    wheel = next(index.glob("*.whl"))
    (index / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>', encoding="utf-8")
    monkeypatch.setattr(environments, "TORCH_INDEX", index.parent.as_uri())
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "wheels").as_uri())
    environments.prepare([replace(environment, torch="torch==2.13.0+cpu", probe="import torch, pencil")])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n", "full"),
        ("OSError: [WinError 112] There is not enough space on the disk", "full"),
        ("WARNING: Retrying after connection broken by 'NameResolutionError(...)'\n"
         "ERROR: No matching distribution found for torch==2.13.0+cpu\n", "could not be reached"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...\n"
         "ERROR: No matching distribution found for flask\n", "PIP_CERT"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'\n", "writable place"),
        ("ERROR: No matching distribution found for bpy==4.5.15\n", "no build of bpy==4.5.15"),
    ],
)  # fmt: skip
def test_what_pip_says_becomes_a_next_step(words: str, sentence: str) -> None:
    failure = explain(words, 1)
    assert sentence in str(failure)
    assert not isinstance(failure, Broken)


def test_other_failures_keep_pips_last_words() -> None:
    assert "the end" in str(explain("much\nthe end\n", 2))
    assert isinstance(explain("much\nthe end\n", 2), Broken)


def test_a_full_disk_is_noticed_before_anything_is_downloaded(environment: Environment) -> None:
    with pytest.raises(Failure, match=r"needs 1500000\.0 GB"):
        environments.prepare([replace(environment, gigabytes=1e6)])
    assert not environment.folder.exists()


@pytest.mark.parametrize("python", OLD_PYTHONS, ids=lambda path: path.parents[1].name)
def test_an_old_python_is_told_which_one_is_needed(python: Path) -> None:
    done = subprocess.run([python, install.__file__, "demo"], capture_output=True)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr.decode("utf-8", "replace")


def test_the_syntax_is_old_enough_for_the_sentence_to_be_reached() -> None:
    ast.parse(Path(install.__file__).read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("module", [install, environments])
def test_installing_uses_only_the_standard_library(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {
        name.split(".")[0] for name in names - {"server.extension_build", "server.environments"}
    } <= sys.stdlib_module_names


def test_only_linux_without_a_gpu_takes_the_build_marked_cpu() -> None:
    assert environments.torch_build("linux", cuda=False) == "torch==2.13.0+cpu"
    assert environments.torch_build("linux", cuda=True) == "torch==2.13.0"
    assert (
        environments.torch_build("darwin", cuda=False)
        == environments.torch_build("win32", cuda=True)
        == "torch==2.13.0"
    )


def test_the_lock_file_pins_every_dependency_and_leaves_torch_to_the_installer() -> None:
    lines = [line for line in environments.LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    exact = [Requirement(line) for line in lines]
    assert all(re.fullmatch(r"==[\w.]+", str(requirement.specifier)) for requirement in exact)
    pins = {canonicalize_name(requirement.name): str(requirement.specifier)[2:] for requirement in exact}
    assert len(pins) == len(exact)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: group for name, group in project["optional-dependencies"].items() if name != "s3"}
    wanted = [*map(Requirement, sum(extras.values(), project["dependencies"]))]
    unmet = [
        str(requirement)
        for requirement in wanted
        if requirement.name != "torch"
        and not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "none"))
    ]
    assert not unmet
    assert "torch" not in pins
    assert not [name for name in pins if name.startswith("nvidia")]
    assert [str(requirement) for requirement in wanted if requirement.name == "torch"] == [environments.TORCH]
    assert {*environments.EXTRAS.split(",")} <= extras.keys()


def names_of(wanted: list[str]) -> list[str]:
    return [environment.name for environment in install.find_blenders(wanted)[0]]


def test_blender_follows_the_python_that_runs_the_installer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for python, name in (((3, 11), "Blender 4.5.15"), ((3, 13), "Blender 5.2.3")):
        monkeypatch.setattr(install, "RUNNING", python)
        assert names_of([]) == [name]
    monkeypatch.setattr(install, "RUNNING", (3, 12))
    with pytest.raises(Failure, match="--blender PATH"):
        install.find_blenders([])


def test_every_blender_gets_the_python_it_runs_on_and_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "find_python", lambda version: f"/python{version[0]}.{version[1]}")
    environments, interpreters = install.find_blenders(["all"])
    assert [(item.name, item.maker, item.version) for item in environments] == [
        ("Blender 4.2.23", "/python3.11", (3, 11)),
        ("Blender 4.5.15", "/python3.11", (3, 11)),
        ("Blender 5.0.1", "/python3.11", (3, 11)),
        ("Blender 5.1.2", "/python3.13", (3, 13)),
        ("Blender 5.2.3", "/python3.13", (3, 13)),
    ]
    assert interpreters == [item.python for item in environments]
    assert len({item.folder for item in environments}) == 5
    assert names_of(["5.1", "4.2.23"]) == ["Blender 5.1.2", "Blender 4.2.23"]


def test_a_blender_whose_python_is_absent_is_left_out_of_all_and_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "find_python", lambda version: "/python3.11" if version == (3, 11) else None)
    assert names_of(["all"]) == ["Blender 4.2.23", "Blender 4.5.15", "Blender 5.0.1"]
    (said,) = capsys.readouterr().out.splitlines()
    assert "5.1 (needs Python 3.13" in said and "5.2 (needs Python 3.13" in said and "4.5" not in said
    with pytest.raises(Failure, match=r"5\.2 \(needs Python 3\.13"):
        install.find_blenders(["5.2"])
    monkeypatch.setattr(install, "find_python", lambda version: None)
    with pytest.raises(Failure, match=r"4\.5 \(needs Python 3\.11"):
        install.find_blenders(["all"])
    with pytest.raises(Failure, match=r"4\.9 is neither a version \(4\.2, 4\.5, 5\.0, 5\.1, 5\.2\)"):
        install.find_blenders(["4.9"])


@pytest.mark.skipif(os.name == "nt", reason="a stand-in for Python that Windows can start would have to be compiled")
def test_a_python_is_found_by_its_name_or_in_a_pyenv_but_not_one_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "RUNNING", (3, 1))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    version = sys.version_info[:2]
    name = f"python{version[0]}.{version[1]}"
    assert install.find_python((3, 1)) == sys.executable
    assert install.find_python(version) is None

    def stand_in(path: Path, script: str) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    shim = stand_in(tmp_path / "bin" / name, "echo 'pyenv: command not found' >&2; exit 127")
    assert install.find_python(version) is None
    stand_in(
        tmp_path / "pyenv" / "versions" / f"{version[0]}.{version[1]}.9" / "bin" / "python",
        f'exec "{sys.executable}" "$@"',
    )
    assert install.find_python(version) == sys.executable
    stand_in(Path(shim), f'exec "{sys.executable}" "$@"')
    shutil.rmtree(tmp_path / "pyenv")
    assert install.find_python(version) == sys.executable
    stand_in(tmp_path / "bin" / "python3.99", f'exec "{sys.executable}" "$@"')
    assert install.find_python((3, 99)) is None, "it says that it is another version"


@pytest.mark.skipif(
    install.find_python((3, 13)) in (None, sys.executable), reason="no Python 3.13 beside this one: pyenv install 3.13"
)
def test_an_environment_is_made_with_its_own_python_and_knows_it_again(environment: Environment) -> None:
    other = replace(environment, maker=str(install.find_python((3, 13))), version=(3, 13))
    environments.prepare([other])
    assert other.is_complete()
    told = subprocess.run(
        [other.python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True
    )
    assert told.stdout.split() == ["3", "13"]
    assert not environment.is_complete(), "the stamp is that of another Python"


@pytest.mark.skipif(os.name == "nt", reason="a stand-in for Blender that Windows can start would have to be compiled")
@pytest.mark.parametrize(
    ("said", "expected"), [("Blender 4.5.15 LTS", None), ("Blender 3.6.9", "4.2 or newer"), ("vim 9", "not Blender")]
)
def test_an_installed_blender_must_be_one_and_new_enough(tmp_path: Path, said: str, expected: str | None) -> None:
    program = tmp_path / "blender"
    program.write_text(f"#!/bin/sh\necho '{said}'\n", encoding="utf-8")
    program.chmod(0o755)
    if expected is None:
        assert install.find_blenders([str(program)]) == ([], [str(program)])
    else:
        with pytest.raises(Failure, match=expected):
            install.find_blenders([str(program)])


def test_what_follows_the_blenders_goes_to_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(environments.ROOT)
    assert install.split_blenders(["all", "tests/blender"]) == (["all"], ["tests/blender"]), "as the documents say it"
    assert install.split_blenders(["4.2", "5.0.1", "tests/storage"]) == (["4.2", "5.0.1"], ["tests/storage"])
    assert install.split_blenders(["all"]) == (["all"], [])
    assert install.split_blenders(["/opt/blender-4.5/blender", "tests/a.py"]) == (
        ["/opt/blender-4.5/blender"],
        ["tests/a.py"],
    )
    assert install.split_blenders([]) == ([], [])


@pytest.mark.skipif(
    sys.platform != "linux" or not BLENDER_FOLDERS, reason="no Linux with Blender as a module: python install.py test"
)
def test_a_linux_without_opengl_is_told_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = BLENDER_FOLDERS[-1].parents[1]
    blender = replace(install.blender_environment("4.5.15"), folder=folder)
    environments.try_out(blender)
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", str(folder / "nothing"))
    with pytest.raises(Failure, match="OpenGL without a display") as caught:
        environments.try_out(blender)
    for tool in ("apt-get", "dnf"):
        if shutil.which(tool):
            assert f"{tool} install {environments.SYSTEM_PACKAGES[tool]}" in str(caught.value)


@pytest.mark.skipif(not BLENDER_FOLDERS, reason="no Blender as a module: python install.py test")
def test_the_extension_is_built_where_asked(tmp_path: Path) -> None:
    environment = install.blender_environment("4.5.15")
    if not environment.is_complete():
        pytest.skip("the environment of Blender 4.5 was not made by install.py")
    assert install.build_addon(tmp_path / "dist", ["4.5"]) == 0
    with zipfile.ZipFile(next((tmp_path / "dist").glob("*.zip"))) as package:
        assert {"blender_manifest.toml", "shared/protocol.py"} <= set(package.namelist())


@pytest.mark.skipif(sys.platform != "linux", reason="ldd is Linux's")
def test_a_library_that_the_system_lacks_is_named(environment: Environment, tmp_path: Path) -> None:
    skia = next(Path(sys.prefix).glob("lib/python*/site-packages/skia*.so"))
    site = tmp_path / "venv" / "lib" / "python3" / "site-packages"
    site.mkdir(parents=True)
    (site / skia.name).write_bytes(skia.read_bytes().replace(b"libEGL.so.1\0", b"libNOT.so.1\0"))
    missing = environments.missing_libraries(replace(environment, binaries=("skia*.so",)))
    assert "libNOT.so.1" in missing
    assert "libGL.so.1" not in missing


@pytest.mark.skipif(os.name == "nt", reason="Windows ends the children of a console by itself")
def test_ending_the_installer_ends_the_server_it_runs(tmp_path: Path) -> None:
    started, ended = tmp_path / "started", tmp_path / "ended"
    child = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(ended)!r}).touch(), sys.exit(7)))\n"
        f"pathlib.Path({str(started)!r}).touch()\n"
        "time.sleep(60)"
    )
    code = f"import sys, install; sys.exit(install.run([sys.executable, '-c', {child!r}]))"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as installer:
        while not started.exists():
            assert installer.poll() is None
        installer.send_signal(signal.SIGTERM)
        assert installer.wait(timeout=30) == 7
    assert ended.exists()


@pytest.mark.parametrize(("preset", "code"), [("tiny", 0), ("huge", 1)])
def test_a_preset_is_described_with_its_license_and_an_unknown_one_refused(
    preset: str, code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["install.py", "models", preset])
    monkeypatch.setattr(install, "prepare", lambda environments: None)  # the tests run in what it would make
    monkeypatch.setattr(Environment, "python", sys.executable)
    assert install.main() == code
    said = capfd.readouterr()
    assert ("icense" in said.out) if code == 0 else ("tiny" in said.err and "Traceback" not in said.err)


@pytest.mark.parametrize("accept", ["--accept-licenses", "--accept-licences"])
def test_what_is_asked_of_a_preset_reaches_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, accept: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(install, "prepare", lambda environments: None)
    monkeypatch.setattr(install, "run", asked.extend)
    monkeypatch.chdir(tmp_path)
    words = ["models", "longanimation-5b", accept, "--downloads", "here", "--remove-downloads"]
    monkeypatch.setattr(sys, "argv", ["install.py", *words])
    install.main()
    assert asked[1:4] == ["-m", "server.presets", "longanimation-5b"]
    assert set(asked[4:]) == {"--accept-licenses", "--remove-downloads", "--downloads", str(tmp_path / "here")}


@pytest.mark.parametrize("fast", [True, False])
def test_a_fast_run_of_the_tests_installs_no_blender(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[Environment] = []
    asked: list[str] = []
    monkeypatch.setattr(install, "prepare", prepared.extend)
    monkeypatch.setattr(install, "find_blenders", lambda wanted: ([install.blender_environment("4.5.15")], ["bpy"]))
    monkeypatch.setattr(install, "run", lambda command, **variables: asked.extend([*command, *variables]) or 0)
    monkeypatch.setattr(sys, "argv", ["install.py", "test", *["--fast"] * fast, "-q"])
    assert install.main() == 0
    assert len(prepared) == (1 if fast else 2)
    assert asked[1:3] == ["-m", "pytest"] and "-n" in asked
    assert ("--fast" in asked, "LONGANIMATION_BLENDER" in asked) == (fast, not fast)
    assert asked[-1] == "-q" if fast else asked[-2] == "-q"


def test_a_fast_run_in_a_chosen_blender_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["install.py", "test", "--fast", "--blender", "4.5"])
    with pytest.raises(SystemExit, match="2"):
        install.main()
