# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments: creates them from the lock file, tests and repairs them, and explains every failure.

Uses only the standard library, because `install.py` runs this before anything is installed. A complete environment gets
a stamp, so that the next run does nothing. A run after an interruption continues with the packages in pip's cache.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
EXTRAS = "evaluate,postgres,test,train"
"""The extras in pyproject.toml that are installed with the server."""
STAMP = "longanimation-complete"

TORCH = "torch==2.13.0"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
RUNNING = sys.version_info[:2]

SERVER_PROBE = "import cv2, dbos, diffusers, skia, torch"

# The packages of a Linux system that Blender and Skia need, by the command that installs them.
SYSTEM_PACKAGES = {
    "apt-get": "libegl1 libgl1 libgl1-mesa-dri libsm6 libxfixes3 libxi6 libxkbcommon0 libxrender1 libxxf86vm1",
    "dnf": "libglvnd-egl libglvnd-glx mesa-dri-drivers mesa-libEGL libSM libXfixes libXi libxkbcommon libXrender "
    "libXxf86vm",
}

# The meaning of pip's messages, the most specific first: a lost connection also ends in "No matching distribution".
AGAIN = "and run the same command again: finished downloads are kept."
PIP_FAILURES = {
    "CERTIFICATE_VERIFY_FAILED": "The package index has a certificate that is not trusted, as behind some company "
    f"proxies. Set PIP_CERT to your company's certificate file {AGAIN}",
    "NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ConnectionResetError|ProxyError"
    "|ProtocolError|IncompleteRead|Network is unreachable|getaddrinfo failed": "The package index could not be "
    f"reached. Check the network (behind a proxy, set HTTPS_PROXY) {AGAIN}",
    "No space left on device|not enough space on the disk|Disk quota exceeded": "The disk is full. Free some space "
    f"(pip unpacks in the temporary folder, which TMPDIR changes) {AGAIN}",
    "Permission denied|Access is denied": "A file could not be written. Move this folder to a writable place, close "
    f"the programs that use it, {AGAIN}",
    r"No matching distribution found for (\S+)": "There is no build of {0} for this Python and system. Run this with "
    "Python 3.11 on 64-bit Linux, Windows or macOS.",
}


class Failure(Exception):
    """The installation cannot continue; the message says what was found and what to do next."""


class Unavailable(Failure):
    """pip finds no build of a package for this machine."""


class Broken(Failure):
    """An environment does not work, for an unknown reason."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment to make.

    requirements: pip's arguments. pins: text that determines the versions. probe: Python code that must run in it.
    binaries: globs of the modules whose libraries are checked if the code does not run. gigabytes: its approximate
    size. torch: the build to install. maker: the Python that creates it, of the version `version`.
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
        """The content of the stamp of the complete environment."""
        return hashlib.sha256(f"{self.pins} {self.torch} {self.version}".encode()).hexdigest()

    def starts(self) -> bool:
        """Return whether the interpreter starts and has its maker's version."""
        check = f"import pip, sys; sys.exit(sys.version_info[:2] != {self.version})"
        return Path(self.python).is_file() and captured(self.python, "-c", check).returncode == 0

    def is_complete(self) -> bool:
        """Return whether the environment was finished with the same pins and still starts."""
        stamp = self.folder / STAMP
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == self.fingerprint and self.starts()


def say(sentence: str) -> None:
    """Print immediately, so that the sentence comes before the output of a child process."""
    print(sentence, flush=True)


def captured(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a short command and capture all its output in `stdout`."""
    return subprocess.run(command, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def torch_build(platform: str, cuda: bool) -> str:
    """Return the build of torch to install. Only CPU wheels have the local version `+cpu`, so pip can never choose a
    CUDA build for it. For other systems than Linux, PyPI has the CPU build."""
    return f"{TORCH}+cpu" if platform == "linux" and not cuda else TORCH


def server_environment() -> Environment:
    """Return the server's environment, from the lock file, with CUDA only if NVIDIA's driver shows a GPU."""
    cuda = (
        sys.platform == "linux"
        and shutil.which("nvidia-smi") is not None
        and "GPU 0" in captured("nvidia-smi", "-L").stdout
    )
    return Environment(
        name=f"the server ({'CUDA' if cuda else 'CPU'} build of torch)",
        folder=ROOT / ".venv",
        requirements=("--constraint", str(LOCK), "--editable", f"{ROOT}[{EXTRAS}]"),
        pins="".join(path.read_text(encoding="utf-8") for path in (LOCK, ROOT / "pyproject.toml")),
        probe=SERVER_PROBE,
        binaries=("skia*.so", "cv2/cv2*.so"),
        gigabytes=8.0 if cuda else 2.0,
        torch=torch_build(sys.platform, cuda),
    )


def prepare(environments: list[Environment]) -> None:
    """Create the environments that are not complete yet. Raises Failure."""
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
    check_disk(ROOT, gigabytes * 1.5)  # pip's cache needs another half of it
    for environment in missing:
        existed = environment.folder.exists()
        try:
            install(environment, clear=not environment.starts())
        except Broken as broken:
            if not existed:
                raise
            say(f"{broken}\n{environment.folder} is damaged; creating it again.")
            install(environment, clear=True)


def check_disk(folder: Path, gigabytes: float) -> None:
    """Raise Failure unless `gigabytes` are free on the disk of `folder`."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise Failure(
            f"The disk of {folder} has {free:.1f} GB free, and the installation needs {gigabytes:.1f} GB. Free some "
            "space, or move this folder to another disk, and run the same command again."
        )


def install(environment: Environment, clear: bool) -> None:
    """Create one environment, cleared first if `clear`, test it, and stamp it. Raises Failure."""
    say(f"Installing {environment.name} in {environment.folder} …")
    (environment.folder / STAMP).unlink(missing_ok=True)
    if clear:
        made = captured(environment.maker, "-m", "venv", "--clear", str(environment.folder))
        if made.returncode:
            raise explain(made.stdout, made.returncode)
    if environment.torch:
        # --no-deps, because the lock file has torch's dependencies in the tested versions.
        try:
            pip(environment, "--no-deps", environment.torch)
        except Unavailable:
            if not environment.torch.endswith("+cpu"):
                raise
            say(f"The configured package indexes have no CPU build of torch; installing it from {TORCH_INDEX}.")
            pip(environment, "--no-deps", "--index-url", TORCH_INDEX, environment.torch)
    pip(environment, *environment.requirements, *([environment.torch] if environment.torch else []))
    try_out(environment)
    (environment.folder / STAMP).write_text(environment.fingerprint, encoding="utf-8")


def pip(environment: Environment, *arguments: str) -> None:
    """Run `pip install`. Its progress goes to the terminal, and its errors are also read. Raises Failure."""
    command = [environment.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    words = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            words.append(line)
    if process.returncode:
        raise explain("".join(words), process.returncode)


def explain(words: str, code: int) -> Failure:
    """Turn pip's output before it ended with `code` into a Failure that says what to do."""
    for pattern, sentence in PIP_FAILURES.items():
        found = re.search(pattern, words)
        if found:
            return (Unavailable if found.groups() else Failure)(sentence.format(*found.groups()))
    if code == -signal.SIGTERM or code == -9:
        return Failure(f"The installation was killed, perhaps because memory ran out. Close some programs {AGAIN}")
    return Broken(f"The installation ended with code {code}. Its last output:\n{words.strip()[-600:]}")


def try_out(environment: Environment) -> None:
    """Check that the environment works, and has no CUDA if it should not. Raises Failure."""
    say(f"Testing {environment.name} …")
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
            f"{environment.name} lacks system libraries: {', '.join(lacking)}. Install them and run the same command "
            "again.\n" + "\n".join(commands)
        )
    raise Broken(f"{environment.name} does not work. Its last output:\n{tried.stdout.strip()[-600:]}")


def missing_libraries(environment: Environment) -> list[str]:
    """Return the shared libraries that the environment's modules need and a Linux system does not have."""
    site = environment.folder.glob("lib/python*/site-packages")
    modules = [str(module) for folder in site for pattern in environment.binaries for module in folder.glob(pattern)]
    if sys.platform != "linux" or not modules or shutil.which("ldd") is None:
        return []
    return sorted(set(re.findall(r"(\S+) => not found", captured("ldd", *modules).stdout)))
