# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays scenarios in Blender's window: `python -m tests.blender.gui --suite trixie sid [--keep DIR] [SCENARIO …]`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.demo.blender_process import ROOT
from server.demo.server_process import ServerFailed, running_server
from server.extension_build import BuildError, build_extension

from .chroot import PACKAGES, ChrootError, check_machine, default_folder, missing_packages

_HERE = Path(__file__).resolve().parent
SCENARIOS = sorted(path.stem for path in (_HERE / "scenarios").glob("[!_]*.py"))
_SECONDS = 900


def main() -> None:
    """The command line; its status is 1 when a scenario failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.blender.gui", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"default: all, {', '.join(SCENARIOS)}")
    parser.add_argument("--suite", nargs="+", choices=PACKAGES, default=list(PACKAGES), help="default: all")
    parser.add_argument("--chroots", type=Path, default=default_folder(), help=f"default: {default_folder()}")
    parser.add_argument("--keep", type=Path, help="folder for screenshots and logs; default: a temporary one")
    parser.add_argument("--model", action="store_true", help="color with the model, not its stand-in: slow")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    keep = (arguments.keep or Path(tempfile.mkdtemp(prefix="longanimation-gui-"))).absolute()
    try:
        check_machine()
        for suite in arguments.suite:
            if not (arguments.chroots / suite).is_dir() or missing_packages(suite, arguments.chroots / suite):
                raise ChrootError(f"No Blender in {arguments.chroots / suite}: run "
                                  f"python -m tests.blender.gui.chroot {suite}")  # fmt: skip
        archive = build_extension(keep, _packer())
        failed = 0
        for suite in arguments.suite:
            for scenario in arguments.scenarios or SCENARIOS:
                results = keep / suite / scenario
                begin = time.monotonic()
                status = play(arguments.chroots.absolute() / suite, scenario, archive, results, arguments.model)
                failed += status != 0
                outcome = "passed" if status == 0 else f"FAILED, see {results / 'blender.log'}"
                print(f"{suite} {scenario}: {outcome} ({time.monotonic() - begin:.0f} s)", flush=True)
    except (BuildError, ChrootError, ServerFailed) as error:
        sys.exit(str(error))
    print(f"Screenshots and times: {keep}")
    sys.exit(1 if failed else 0)


def play(chroot: Path, scenario: str, archive: Path, results: Path, model: bool) -> int:
    """Play a scenario in a fresh Blender with a fresh server; returns Blender's exit status.

    model: color with the model. results: a new folder, which gets the screenshots, main_thread.json, and the logs of
    Blender and of the server.
    """
    results.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as data, _server(Path(data), results / "server.log", model) as address:
        (results / archive.name).write_bytes(archive.read_bytes())
        command: list[str | Path] = [
            "timeout", "--signal", "KILL", str(_SECONDS),
            "unshare", "--mount", "--pid", "--fork", "--kill-child",
            "sh", _HERE / "enter.sh", chroot, ROOT, results,
            "blender", "--factory-startup", "--window-geometry", "0", "0", "1920", "1080", "--no-window-focus",
            "--python-exit-code", "1", "--python", "/tmp/repository/tests/blender/gui/driver.py", "--",
            scenario, f"/tmp/results/{archive.name}", address, "/tmp/results",
        ]  # fmt: skip
        with (results / "blender.log").open("wb") as log:
            return subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
            ).returncode


@contextmanager
def _server(data: Path, log: Path, model: bool) -> Iterator[str]:
    """A real server; its address. Without `model` its worker needs no weights and colors at once."""
    if model:
        with running_server(data, log) as running:
            yield running.address
        return
    with running_server(data, log, "--workers", "0") as running:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.server.stand_in", str(data), f"gui-{uuid.uuid4().hex}"], cwd=ROOT
        )
        try:
            yield running.address
        finally:
            worker.kill()
            worker.wait()


def _packer() -> Path:
    """The Python of a Blender module, whose packer builds the extension."""
    chosen = os.environ.get("LONGANIMATION_BLENDER", "").split(os.pathsep)[0]
    found = [Path(chosen)] if chosen else sorted(ROOT.glob(".blender/*/bin/python"))
    if not found:
        raise BuildError("No Blender module to build the extension with: run `python install.py test`.")
    return found[0]


if __name__ == "__main__":
    main()
