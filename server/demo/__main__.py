# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server.demo --output DIR --blender FILE`: a shot goes from Blender through a server and back, measured."""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from rich.console import Console

from server.extension_build import BuildError, build_extension

from .blender_process import ROOT, command, environment
from .report import write_report
from .server_process import ServerFailed, running_server
from .stages import Stages

_PRODUCTS = ("lineart", "keyframes", "colored", "truth")
_FILES = ("shot.blend", "take.json", "contact_sheet.png", "report.json", "server.log", "blender.log")
_BLENDER_SECONDS = 1800
_MARK = "@demo "
_PERCENT = re.compile(r"\s*(\d+)% (.*)")


class DemoFailed(RuntimeError):
    """The demonstration failed; the message says where to look."""


def main() -> int:
    """Run the demonstration. The exit status is 0 if every step succeeded."""
    parser = argparse.ArgumentParser(prog="python -m server.demo", description="Color a shot, end to end.")
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder for the results (%(default)s)")
    parser.add_argument(
        "--blender", type=Path, required=True, help="Blender, or the Python of an environment with the bpy package"
    )
    arguments = parser.parse_args()
    console = Console()
    try:
        report = run(arguments.output.resolve(), arguments.blender.absolute(), console)
    except (DemoFailed, BuildError, ServerFailed) as error:
        console.print(f"The demonstration failed: {error}", style="red", markup=False, highlight=False)
        return 1
    for name in ("ours", "hold", "flow"):
        console.print(f"{name:5} {report[name]}", markup=False)
    console.print(f"Look at {arguments.output / 'contact_sheet.png'} and open {arguments.output / 'shot.blend'}.")
    return 0


def run(output: Path, blender: Path, console: Console) -> dict:
    """Write all results to `output`, replacing those of an earlier run. Return the report."""
    _clear(output)
    with tempfile.TemporaryDirectory(prefix="longanimation-demo-") as temporary, Stages(console) as stages:
        work = Path(temporary)
        stages.begin("Building the extension")
        archive = build_extension(work / "extension", blender)
        stages.begin("Starting the server")
        with running_server(work / "data", output / "server.log") as server:
            _blender(blender, work, output, stages, "make", str(output), str(archive), server.address)
        stages.begin("Reopening the file")
        version = _blender(blender, work, output, stages, "check", str(output))
        seconds = stages.finish()
        stages.begin("Measuring")
        versions = {"blender": version, "server": server.version, "python": platform.python_version()}
        return write_report(output, seconds, versions)


def _clear(output: Path) -> None:
    """Remove the results of an earlier run, and nothing else."""
    output.mkdir(parents=True, exist_ok=True)
    for name in _PRODUCTS:
        shutil.rmtree(output / name, ignore_errors=True)
    for name in _FILES:
        (output / name).unlink(missing_ok=True)


def _blender(blender: Path, work: Path, output: Path, stages: Stages, function: str, *arguments: str) -> str:
    """Run one of the parts inside Blender and show its progress. Return the last version that it reported."""
    version = ""
    log = output / "blender.log"
    process = subprocess.Popen(
        command(blender, "server.demo.in_blender.steps", function, *arguments),
        env=environment(work / "blender"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    limit = threading.Timer(_BLENDER_SECONDS, process.kill)
    limit.start()
    try:
        assert process.stdout is not None
        with log.open("a", encoding="utf-8", buffering=1) as file:
            for line in process.stdout:
                file.write(line)
                if line.startswith(_MARK):
                    text = line.removeprefix(_MARK).rstrip()
                    version = text.removeprefix("version ") if text.startswith("version ") else version
                    _show(stages, text)
        status = process.wait()
    finally:
        limit.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
    if status != 0:
        raise DemoFailed(f"Blender ended with status {status} at “{function}”: {_last_error(log)} See {log}.")
    return version


def _show(stages: Stages, text: str) -> None:
    if match := _PERCENT.fullmatch(text):
        stages.progress(match[2], int(match[1]) / 100)
    elif not text.startswith("version "):
        stages.begin(text)


def _last_error(log: Path) -> str:
    errors = [line for line in log.read_text(encoding="utf-8").splitlines() if "Error" in line]
    return errors[-1].strip() if errors else ""


if __name__ == "__main__":
    sys.exit(main())
