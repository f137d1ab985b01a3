# SPDX-License-Identifier: GPL-3.0-or-later
"""Install LongAnimation Color in this folder and run it: demo | test | server | addon | models.

Uses only the standard library. The server gets `.venv`, and each Blender (as the `bpy` package) gets its own venv under
`.blender`, because the two need different versions of NumPy. `server/environments.py` creates them.
"""

import sys

# This file uses the syntax of Python 3.6, so that an old Python can print this message.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"LongAnimation Color needs Python 3.11 or newer, and this is Python {sys.version_info[0]}."
        f"{sys.version_info[1]}.\nInstall Python 3.11 (https://www.python.org/downloads/; Debian, Ubuntu: sudo apt-get "
        "install python3.11-venv) and run the same command with it: python3.11 install.py …"
    )

import argparse
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from server.environments import ROOT, RUNNING, Environment, Failure, captured, prepare, say, server_environment

# The `bpy` packages and the only Python version each runs on. The first one for a Python version is its default.
BPY = {
    "4.5": ("4.5.15", (3, 11)),
    "4.2": ("4.2.23", (3, 11)),
    "5.0": ("5.0.1", (3, 11)),
    "5.2": ("5.2.3", (3, 13)),
    "5.1": ("5.1.2", (3, 13)),
}
OLDEST_BLENDER = (4, 2)


# Rendering needs more from the system than importing: OpenGL without a display, which a Linux machine may lack.
BLENDER_PROBE = """import bpy, sys
if sys.platform == "linux":
    bpy.context.scene.render.engine = "BLENDER_WORKBENCH"
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 16
    bpy.ops.render.render()
"""


def blender_environment(version: str, maker: str = sys.executable, python: tuple[int, int] = RUNNING) -> Environment:
    """Return the environment for one version of the `bpy` package, made with the Python `maker` of version `python`."""
    return Environment(
        name=f"Blender {version}",
        folder=ROOT / ".blender" / version.rpartition(".")[0],
        requirements=(f"bpy=={version}",),
        pins=version,
        probe=BLENDER_PROBE,
        binaries=("bpy/__init__*.so",),
        gigabytes=1.0,
        maker=maker,
        version=python,
    )


def find_python(version: tuple[int, int]) -> str | None:
    """Return a Python of this version that can make environments: the running one, or an installed one."""
    if version == RUNNING:
        return sys.executable
    name = f"{version[0]}.{version[1]}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    # `py` is the Windows launcher. pyenv has a command for every version, but it fails unless that version is selected.
    commands = [[f"python{name}"], ["py", f"-{name}"]]
    for pattern in (f"versions/{name}.*/bin/python", f"pyenv-win/versions/{name}.*/python.exe"):
        commands += [[str(program)] for program in sorted(pyenv.glob(pattern))]
    check = f"import ensurepip, sys; print(sys.executable); sys.exit(sys.version_info[:2] != {version})"
    for command in commands:
        if shutil.which(command[0]):
            asked = subprocess.run([*command, "-c", check], text=True, capture_output=True)
            if asked.returncode == 0:
                return asked.stdout.strip()
    return None


def check_blender(path: str) -> str:
    """Return `path` if it is the program of a Blender that is new enough. Raises Failure."""
    try:
        found = re.search(r"Blender (\d+)\.(\d+)", captured(path, "--version").stdout)
    except OSError as error:
        raise Failure(f"{path} cannot be started ({error.strerror}). Give the path of Blender's program.") from error
    if found is None:
        raise Failure(f"{path} is not Blender: it reports no version. Give the path of Blender's program.")
    if (int(found[1]), int(found[2])) < OLDEST_BLENDER:
        raise Failure(f"{path} is {found[0]}, and 4.2 or newer is needed: https://www.blender.org/download/.")
    return path


def find_blenders(wanted: list[str]) -> tuple[list[Environment], list[str]]:
    """Return the environments to make and the interpreters to use for versions, paths of Blender, or "all".

    If nothing is wanted, this is the default version for this Python, or the Blender on the PATH. "all" skips the
    versions whose Python is not installed, and reports them. Raises Failure.
    """
    if not wanted:
        own = (name for name, (_, python) in BPY.items() if python == RUNNING)
        wanted = [name for name in (next(own, None), shutil.which("blender")) if name][:1]
    if not wanted:
        raise Failure(
            f"There is no Blender module for Python {RUNNING[0]}.{RUNNING[1]}. Run this with Python 3.11 (Blender 4.5) "
            "or 3.13 (Blender 5.2), or install Blender (https://www.blender.org/download/) and add --blender PATH."
        )
    everything = wanted == ["all"]
    environments, interpreters, left_out = [], [], []
    for name in sorted(BPY) if everything else wanted:
        version, python = next((row for short, row in BPY.items() if name in (short, row[0])), ("", RUNNING))
        maker = find_python(python)
        if version and maker:
            environments.append(blender_environment(version, maker, python))
            interpreters.append(environments[-1].python)
        elif version:
            left_out.append(f"Blender {name} (needs Python {python[0]}.{python[1]} with its venv module)")
        elif Path(name).is_file():
            interpreters.append(check_blender(str(Path(name).resolve())))
        else:
            raise Failure(
                f"--blender {name} is neither a version ({', '.join(sorted(BPY))}) "
                "nor Blender's program (…/blender, …\\blender.exe, …/Blender.app/Contents/MacOS/Blender)."
            )
    if left_out and everything and interpreters:
        say(f"Skipped, because their Python is not installed here: {', '.join(left_out)}.")
    elif left_out:
        raise Failure(
            f"The Python for a Blender is not installed here: {', '.join(left_out)}. Install it and run again."
        )
    return environments, interpreters


def parallel(idle: int) -> tuple[str, ...]:
    """Return pytest's arguments that run the tests in parallel. A later `-n 0` overrides them.

    idle: processes beyond the number of cores, because tests wait for servers; there are at most four in all. Files
    keep their order: sorted by their number of tests, a file with one long test would come last, and the other
    processes would wait for it.
    """
    return "-n", str(min((os.cpu_count() or 1) + idle, 4)), "--dist", "loadfile", "--no-loadscope-reorder"


def run(command: list[str], **variables: str) -> int:
    """Run a command in this folder until it ends. The command itself handles Ctrl-C and the request to terminate."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables})
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def build_addon(output: Path, wanted: list[str]) -> int:
    """Build the extension's zip in `output` with Blender's own packer, without the server. Raises Failure."""
    from server.extension_build import BuildError, build_extension

    environments, blenders = find_blenders(wanted)
    prepare(environments)
    try:
        package = build_extension(output, Path(blenders[0]))
    except BuildError as error:
        raise Failure(str(error)) from error
    say(f"{package} is ready: in Blender, Edit > Preferences > Get Extensions > Install from Disk.")
    return 0


def split_blenders(words: list[str]) -> tuple[list[str], list[str]]:
    """Split the words after `--blender` into Blenders and pytest's arguments, as in `4.2 5.0 tests/blender`."""
    names = re.compile(r"all|[\d.]+|.*blender(\.exe)?", re.IGNORECASE)
    count = next((i for i, word in enumerate(words) if Path(word).is_dir() or not names.fullmatch(word)), None)
    return words[:count], [] if count is None else words[count:]


def models_arguments(options: argparse.Namespace) -> list[str]:
    """Return the arguments of `models` for the program in the server's environment that does the work."""
    flags = ["--accept-licenses"] * options.accept_licenses + ["--remove-downloads"] * options.remove_downloads
    place = ["--downloads", str(Path(options.downloads).resolve())] if options.downloads else []
    return [options.preset, *flags, *place]


def main() -> int:
    """Read the command line, run the command, and return the exit code."""
    parser = argparse.ArgumentParser(description="Install LongAnimation Color and run it.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    blender = "version (such as 4.5) or path of an installed Blender; default: the version that runs on this Python"

    command = commands.add_parser("demo", help="make a shot in Blender, color it, and put it back into Blender")
    command.add_argument("--output", default="demo_output", help="folder for the results (default: %(default)s)")
    command.add_argument("--blender", nargs=1, default=[], help=blender)
    command = commands.add_parser("test", help="run the tests; other arguments go to pytest", allow_abbrev=False)
    choice = command.add_mutually_exclusive_group()
    choice.add_argument("--blender", nargs="+", default=[], help=f'"all", or one or several: {blender}')
    choice.add_argument(
        "--fast", action="store_true", help="skip tests that take long or need Blender, PostgreSQL, a browser or a GPU"
    )
    command = commands.add_parser("server", help="run the server until it is stopped")
    command.add_argument("--listen", metavar="HOST:PORT", help="where to listen (default: for this machine only)")
    command.add_argument(
        "--device", choices=("cuda", "cpu"), help="what to compute on (default: a GPU if there is one)"
    )
    command = commands.add_parser("addon", help="build the extension's zip, which Blender installs")
    command.add_argument("--output", default="dist", help="folder for the zip (default: %(default)s)")
    command.add_argument("--blender", nargs=1, default=[], help=blender)
    command = commands.add_parser(
        "models", help="show where a preset's weights are, and their license, or download them"
    )
    command.add_argument(
        "preset",
        help="tiny, which is included; longanimation-5b, which is downloaded and converted; wan-vace-1.3b, which is "
        "downloaded; or informative-drawings, the line extractor for training on film clips",
    )
    command.add_argument("--accept-licenses", action="store_true", help="accept the licenses without being asked")
    command.add_argument("--accept-licences", dest="accept_licenses", action="store_true", help=argparse.SUPPRESS)
    command.add_argument("--downloads", metavar="DIR", help="where to download to (default: in server/weights)")
    command.add_argument("--remove-downloads", action="store_true", help="delete the downloads after the conversion")

    options, others = parser.parse_known_args()
    if others and options.command != "test":
        parser.error(f"unknown arguments: {' '.join(others)}")
    try:
        return perform(options, others)
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again: it continues from here.", file=sys.stderr)
    return 1


def perform(options: argparse.Namespace, others: list[str]) -> int:
    """Install what the command needs, run it, and return its exit code. Raises Failure."""
    if options.command == "addon":
        return build_addon(Path(options.output), options.blender)
    server = server_environment()
    if options.command in ("server", "models"):
        prepare([server])
        if options.command == "models":
            return run([server.python, "-m", "server.presets", *models_arguments(options)])
        chosen = {"--listen": options.listen, "--device": options.device}
        return run([server.python, "-m", "server", "serve", *(w for pair in chosen.items() if pair[1] for w in pair)])
    if options.command == "test" and options.fast:
        prepare([server])
        return run([server.python, "-m", "pytest", *parallel(idle=1), "--fast", *others])
    wanted, arguments = split_blenders(options.blender) if options.command == "test" else (options.blender, [])
    environments, blenders = find_blenders(wanted)
    prepare([server, *environments])
    if options.command == "test":
        variables = {"LONGANIMATION_BLENDER": os.pathsep.join(blenders)}
        return run([server.python, "-m", "pytest", *parallel(idle=2), *arguments, *others], **variables)
    output = str(Path(options.output).resolve())
    return run([server.python, "-m", "server.demo", "--output", output, "--blender", blenders[0]])


if __name__ == "__main__":
    sys.exit(main())
