# SPDX-License-Identifier: GPL-3.0-or-later
"""Install LongAnimation Color beside this file and run it: demo | test | server | addon | models.

Standard library only. The server gets `.venv`; each Blender (as the `bpy` package) gets a venv of its own under
`.blender`, because the two disagree on NumPy. A complete environment is stamped: the next run does nothing, and a
run after an interruption goes on with what pip has kept in its cache.
"""

import sys

# The syntax of this file is Python 3.6's, so that an old Python gets as far as this sentence.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"LongAnimation Color needs Python 3.11 or newer, and this is Python {sys.version_info[0]}."
        f"{sys.version_info[1]}.\nInstall Python 3.11 (https://www.python.org/downloads/; Debian, Ubuntu: sudo apt-get "
        "install python3.11-venv) and run the same command with it: python3.11 install.py …"
    )

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
STAMP = "longanimation-complete"

TORCH = "torch==2.13.0"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"

# The `bpy` packages and the only Python each runs on; the first for a Python is its default.
BPY = {
    "4.5": ("4.5.15", (3, 11)),
    "4.2": ("4.2.23", (3, 11)),
    "5.0": ("5.0.1", (3, 11)),
    "5.2": ("5.2.3", (3, 13)),
    "5.1": ("5.1.2", (3, 13)),
}
RUNNING = sys.version_info[:2]
OLDEST_BLENDER = (4, 2)

SERVER_PROBE = "import cv2, dbos, diffusers, skia, torch"
# Drawing asks more of the system than importing: OpenGL without a display, which a Linux box may lack.
BLENDER_PROBE = """import bpy, sys
if sys.platform == "linux":
    bpy.context.scene.render.engine = "BLENDER_WORKBENCH"
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 16
    bpy.ops.render.render()
"""

# What Blender and Skia load from a Linux system, by the command that installs it.
SYSTEM_PACKAGES = {
    "apt-get": "libegl1 libgl1 libgl1-mesa-dri libsm6 libxfixes3 libxi6 libxkbcommon0 libxrender1 libxxf86vm1",
    "dnf": "libglvnd-egl libglvnd-glx mesa-dri-drivers mesa-libEGL libSM libXfixes libXi libxkbcommon libXrender "
    "libXxf86vm",
}

# What pip's words mean, the most telling first: a lost connection also ends in "No matching distribution".
AGAIN = "and run the same command again: what is downloaded is kept."
PIP_FAILURES = {
    "CERTIFICATE_VERIFY_FAILED": "The package index has a certificate that is not trusted, as behind some company "
    f"proxies. Set PIP_CERT to your company's certificate file {AGAIN}",
    "NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ConnectionResetError|ProxyError"
    "|ProtocolError|IncompleteRead|Network is unreachable|getaddrinfo failed": "The package index could not be "
    f"reached. Check the network (behind a proxy, set HTTPS_PROXY) {AGAIN}",
    "No space left on device|not enough space on the disk|Disk quota exceeded": "The disk is full. Free some space "
    f"(pip unpacks in the temporary folder: TMPDIR moves it) {AGAIN}",
    "Permission denied|Access is denied": "A file could not be written. Move this folder where you may write, close "
    f"the programs that use it, {AGAIN}",
    r"No matching distribution found for (\S+)": "There is no build of {0} for this Python and system. Run this with "
    "Python 3.11 on 64-bit Linux, Windows or macOS.",
}


class Failure(Exception):
    """The installation cannot go on; the message says what was found and what to do next."""


class Unavailable(Failure):
    """pip knows no build of a package for this machine."""


class Broken(Failure):
    """An environment does not work, for no reason known here."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment to make.

    requirements: pip's arguments. pins: what decides the versions. probe: Python that must run in it. binaries: globs
    of the modules whose libraries are looked up when it does not. gigabytes: about its size. torch: the build to take.
    maker: the Python that makes it, of the version `version`.
    """

    name: str
    folder: Path
    requirements: tuple[str, ...]
    pins: str
    probe: str
    binaries: tuple[str, ...]
    gigabytes: float
    torch: str = ""
    maker: str = sys.executable
    version: tuple[int, int] = RUNNING

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))

    @property
    def fingerprint(self) -> str:
        """What the stamp of the complete environment says."""
        return hashlib.sha256(f"{self.pins} {self.torch} {self.version}".encode()).hexdigest()

    def starts(self) -> bool:
        """Tell whether the interpreter starts and is of its maker's version."""
        check = f"import pip, sys; sys.exit(sys.version_info[:2] != {self.version})"
        return Path(self.python).is_file() and captured(self.python, "-c", check).returncode == 0

    def is_complete(self) -> bool:
        """Tell whether the environment was finished, with the same pins, and still starts."""
        stamp = self.folder / STAMP
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == self.fingerprint and self.starts()


def say(sentence: str) -> None:
    """Print at once, so that the sentence stands before what a child process prints."""
    print(sentence, flush=True)


def captured(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a short command and keep all that it says, in `stdout`."""
    return subprocess.run(command, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def torch_build(platform: str, cuda: bool) -> str:
    """Return the build of torch to take. Only CPU wheels carry the local version `+cpu`, so pip can never take a CUDA
    build for it; outside Linux what PyPI has is the CPU build."""
    return f"{TORCH}+cpu" if platform == "linux" and not cuda else TORCH


def server_environment() -> Environment:
    """The server's environment, from the lock file; CUDA only where NVIDIA's driver shows a GPU."""
    cuda = (
        sys.platform == "linux"
        and shutil.which("nvidia-smi") is not None
        and "GPU 0" in captured("nvidia-smi", "-L").stdout
    )
    return Environment(
        name=f"the server ({'CUDA' if cuda else 'CPU'} build of torch)",
        folder=ROOT / ".venv",
        requirements=("-r", str(LOCK)),
        pins=LOCK.read_text(encoding="utf-8"),
        probe=SERVER_PROBE,
        binaries=("skia*.so", "cv2/cv2*.so"),
        gigabytes=8.0 if cuda else 2.0,
        torch=torch_build(sys.platform, cuda),
    )


def blender_environment(version: str, maker: str = sys.executable, python: tuple[int, int] = RUNNING) -> Environment:
    """The environment of one version of the `bpy` package, made with `maker`, which is of the version `python`."""
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
    """Return a Python of this version that can make environments: the one that runs, or one that is installed."""
    if version == RUNNING:
        return sys.executable
    name = f"{version[0]}.{version[1]}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    # The launcher is Windows'. A pyenv has a command for every version, which refuses unless the version is chosen.
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


def prepare(environments: list[Environment]) -> None:
    """Make the environments that are not complete yet. Raises Failure."""
    missing = [environment for environment in environments if not environment.is_complete()]
    if not missing:
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise Failure(
            "This Python lacks its venv module. Debian, Ubuntu: sudo apt-get install "
            f"python{sys.version_info[0]}.{sys.version_info[1]}-venv. Then run the same command again."
        )
    gigabytes = sum(environment.gigabytes for environment in missing)
    say(f"To install: {', '.join(item.name for item in missing)}; about {gigabytes:.0f} GB on disk.")
    check_disk(ROOT, gigabytes * 1.5)  # half as much again passes through pip's cache
    for environment in missing:
        existed = environment.folder.exists()
        try:
            install(environment, clear=not environment.starts())
        except Broken as broken:
            if not existed:
                raise
            say(f"{broken}\n{environment.folder} is damaged; making it anew.")
            install(environment, clear=True)


def check_disk(folder: Path, gigabytes: float) -> None:
    """Raise Failure unless `gigabytes` are free where `folder` lies."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise Failure(
            f"The disk of {folder} has {free:.1f} GB free, and the installation needs {gigabytes:.1f} GB. Free some "
            "space, or move this folder to another disk, and run the same command again."
        )


def install(environment: Environment, clear: bool) -> None:
    """Make one environment, emptied first if `clear`; try it, and stamp it. Raises Failure."""
    say(f"Installing {environment.name} in {environment.folder} …")
    (environment.folder / STAMP).unlink(missing_ok=True)
    if clear:
        made = captured(environment.maker, "-m", "venv", "--clear", str(environment.folder))
        if made.returncode:
            raise explain(made.stdout, made.returncode)
    if environment.torch:
        # --no-deps, for the lock file has torch's dependencies in the versions that were tested.
        try:
            pip(environment, "--no-deps", environment.torch)
        except Unavailable:
            if not environment.torch.endswith("+cpu"):
                raise
            say(f"The configured package indexes have no CPU build of torch; taking it from {TORCH_INDEX}.")
            pip(environment, "--no-deps", "--index-url", TORCH_INDEX, environment.torch)
    pip(environment, *environment.requirements, *([environment.torch] if environment.torch else []))
    try_out(environment)
    (environment.folder / STAMP).write_text(environment.fingerprint, encoding="utf-8")


def pip(environment: Environment, *arguments: str) -> None:
    """Run `pip install`: its progress goes to the terminal, its errors are also read. Raises Failure."""
    command = [environment.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    words = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            words.append(line)
    if process.returncode:
        raise explain("".join(words), process.returncode)


def explain(words: str, code: int) -> Failure:
    """Turn what pip said before it ended with `code` into a Failure that says what to do."""
    for pattern, sentence in PIP_FAILURES.items():
        found = re.search(pattern, words)
        if found:
            return (Unavailable if found.groups() else Failure)(sentence.format(*found.groups()))
    if code == -signal.SIGTERM or code == -9:
        return Failure(f"The installation was ended from outside, as for want of memory. Close some programs {AGAIN}")
    return Broken(f"The installation ended with code {code}. Its last words:\n{words.strip()[-600:]}")


def try_out(environment: Environment) -> None:
    """Check that the environment works, and has no CUDA if it should not. Raises Failure."""
    say(f"Trying {environment.name} …")
    listed = captured(environment.python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check").stdout
    cuda = re.findall(r"(?m)^nvidia-[^=]+", listed)
    if cuda and environment.torch.endswith("+cpu"):
        raise Failure(
            f"CUDA packages got into {environment.folder}, although no CUDA GPU was found: {', '.join(cuda)}. Delete "
            "that folder and run the same command again."
        )
    tried = captured(environment.python, "-c", environment.probe)
    if tried.returncode == 0:
        return
    lacking = missing_libraries(environment)
    if not lacking and re.search(r"EGL|GLX|OpenGL", tried.stdout):
        lacking = ["OpenGL without a display"]
    if lacking:
        commands = [f"    sudo {tool} install {names}" for tool, names in SYSTEM_PACKAGES.items() if shutil.which(tool)]
        raise Failure(
            f"{environment.name} lacks libraries of the system: {', '.join(lacking)}. Install them and run the same "
            "command again.\n" + "\n".join(commands)
        )
    raise Broken(f"{environment.name} does not work. Its last words:\n{tried.stdout.strip()[-600:]}")


def missing_libraries(environment: Environment) -> list[str]:
    """Return the shared libraries that the environment's modules ask of a Linux system and do not get."""
    site = environment.folder.glob("lib/python*/site-packages")
    modules = [str(module) for folder in site for pattern in environment.binaries for module in folder.glob(pattern)]
    if sys.platform != "linux" or not modules or shutil.which("ldd") is None:
        return []
    return sorted(set(re.findall(r"(\S+) => not found", captured("ldd", *modules).stdout)))


def check_blender(path: str) -> str:
    """Return `path` if it is the program of a Blender that is new enough. Raises Failure."""
    try:
        found = re.search(r"Blender (\d+)\.(\d+)", captured(path, "--version").stdout)
    except OSError as error:
        raise Failure(f"{path} cannot be started ({error.strerror}). Give the path of Blender's program.") from error
    if found is None:
        raise Failure(f"{path} is not Blender: it tells no version. Give the path of Blender's program.")
    if (int(found[1]), int(found[2])) < OLDEST_BLENDER:
        raise Failure(f"{path} is {found[0]}, and 4.2 or newer is needed: https://www.blender.org/download/.")
    return path


def find_blenders(wanted: list[str]) -> tuple[list[Environment], list[str]]:
    """Return the environments to make and the interpreters to use for versions, paths of Blender, or "all".

    With nothing wanted: the default version for this Python, or the Blender on the PATH. "all" leaves out the versions
    whose Python is not installed, and says so. Raises Failure.
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
        say(f"Left out, for their Python is not installed here: {', '.join(left_out)}.")
    elif left_out:
        raise Failure(
            f"The Python of a Blender is not installed here: {', '.join(left_out)}. Install it and run again."
        )
    return environments, interpreters


def run(command: list[str], **variables: str) -> int:
    """Run a command in this folder until it ends; Ctrl-C and the request to terminate are left to it."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables})
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def build_addon(output: Path, wanted: list[str]) -> int:
    """Build the extension's zip in `output` with Blender's own packer; the server is not needed. Raises Failure."""
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
    """Part what follows `--blender` into Blenders and pytest's arguments: `4.2 5.0 tests/storage`."""
    count = next(
        (i for i, word in enumerate(words) if not re.fullmatch(r"all|[\d.]+|.*blender(\.exe)?", word, re.I)), None
    )
    return words[:count], [] if count is None else words[count:]


def models_arguments(options: argparse.Namespace) -> list[str]:
    """Return the arguments of `models` for the program in the server's environment, which does its work."""
    flags = ["--accept-licenses"] * options.accept_licenses + ["--remove-downloads"] * options.remove_downloads
    place = ["--downloads", str(Path(options.downloads).resolve())] if options.downloads else []
    return [options.preset, *flags, *place]


def main() -> int:
    """Read the command line, do it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Install LongAnimation Color and run it.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    blender = "version (such as 4.5) or path of an installed Blender; default: the version that runs on this Python"

    command = commands.add_parser("demo", help="make a shot in Blender, color it, and put it back into Blender")
    command.add_argument("--output", default="demo_output", help="folder for the results (default: %(default)s)")
    command.add_argument("--blender", nargs=1, default=[], help=blender)
    command = commands.add_parser("test", help="run the tests; other arguments go to pytest", allow_abbrev=False)
    command.add_argument("--blender", nargs="+", default=[], help=f'"all", or one or several: {blender}')
    command = commands.add_parser("server", help="run the server until it is stopped")
    command.add_argument("--listen", metavar="HOST:PORT", help="where to listen (default: for this machine only)")
    command.add_argument("--device", choices=("cuda", "cpu"), help="what to compute on (default: what is there)")
    command = commands.add_parser("addon", help="build the extension's zip, which Blender installs")
    command.add_argument("--output", default="dist", help="folder for the zip (default: %(default)s)")
    command.add_argument("--blender", nargs=1, default=[], help=blender)
    command = commands.add_parser("models", help="tell where a preset's weights are, and their license, or fetch them")
    command.add_argument("preset", help="tiny, which is here, or longanimation-5b, which is downloaded and converted")
    command.add_argument("--accept-licenses", action="store_true", help="accept the licenses without being asked")
    command.add_argument("--accept-licences", dest="accept_licenses", action="store_true", help=argparse.SUPPRESS)
    command.add_argument("--downloads", metavar="DIR", help="where to download to (default: in server/weights)")
    command.add_argument("--remove-downloads", action="store_true", help="delete it once it is converted")

    options, others = parser.parse_known_args()
    if others and options.command != "test":
        parser.error(f"unknown arguments: {' '.join(others)}")
    try:
        return perform(options, others)
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again: it goes on from here.", file=sys.stderr)
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
    wanted, arguments = split_blenders(options.blender) if options.command == "test" else (options.blender, [])
    environments, blenders = find_blenders(wanted)
    prepare([server, *environments])
    if options.command == "test":
        variables = {"LONGANIMATION_BLENDER": os.pathsep.join(blenders)}
        return run([server.python, "-m", "pytest", *arguments, *others], **variables)
    output = str(Path(options.output).resolve())
    return run([server.python, "-m", "server.demo", "--output", output, "--blender", blenders[0]])


if __name__ == "__main__":
    sys.exit(main())
