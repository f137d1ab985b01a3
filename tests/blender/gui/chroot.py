# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the Debian systems in which Blender's application runs: `python -m tests.blender.gui.chroot trixie sid`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from server.demo.blender_process import ROOT

FOLDER_VARIABLE = "LONGANIMATION_GUI_CHROOTS"
"""Environment variable that names another folder for the chroots."""

# python3-…: modules that Blender brings along, but Debian's only recommends, or forgets.
_COMMON = (
    "blender",
    "xvfb",
    "imagemagick",
    "xdotool",
    "libegl1",
    "libgl1-mesa-dri",
    "python3-numpy",
    "python3-requests",
)
PACKAGES = {
    "trixie": _COMMON,
    "sid": (*_COMMON, "python3-attr", "python3-cattr", "python3-typing-extensions"),
}
"""Debian suites, and what is installed in each: Blender 4.3 in trixie; in sid what is newest, 5.2 at present."""

_NO_SERVICES = "#!/bin/sh\nexit 101\n"
_LEAN = "path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\nforce-unsafe-io\n"


class ChrootError(RuntimeError):
    """A chroot cannot be made; the text says what to do."""


def default_folder() -> Path:
    """Where the chroots are, one a suite: the folder that the environment names, or .blender/gui."""
    return Path(os.environ.get(FOLDER_VARIABLE) or ROOT / ".blender" / "gui")


def missing_packages(suite: str, root: Path) -> list[str]:
    """The packages that the chroot in `root` still lacks."""
    result = subprocess.run(
        ["chroot", root, "dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *PACKAGES[suite]],
        capture_output=True,
        text=True,
        check=False,
    )
    installed = {line.split()[0] for line in result.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in PACKAGES[suite] if package not in installed]


def check_machine() -> None:
    """Raise ChrootError unless chroots can be made and entered here."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise ChrootError("Chroots need Linux and its root: run this as root in a Linux machine or container.")
    lacking = [tool for tool in ("debootstrap", "unshare", "mount", "chroot") if shutil.which(tool) is None]
    if lacking:
        raise ChrootError(f"{', '.join(lacking)} missing: apt-get install debootstrap util-linux mount coreutils")


def complete(suite: str, root: Path) -> None:
    """Make the chroot of a suite in `root`, or go on where an earlier run ended; nothing is done twice."""
    if not (root / "usr/bin/apt-get").exists() or (root / "debootstrap").exists():
        print(f"{suite}: base system into {root} (two minutes)", flush=True)
        root.mkdir(parents=True, exist_ok=True)
        _run("debootstrap", "--variant=minbase", suite, root)
    lacking = missing_packages(suite, root)
    if not lacking:
        print(f"{suite}: complete in {root}", flush=True)
        return
    print(f"{suite}: installing {' '.join(lacking)} (five minutes, 1.7 GB)", flush=True)
    (root / "etc/dpkg/dpkg.cfg.d/lean").write_text(_LEAN, encoding="utf-8")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(_NO_SERVICES, encoding="utf-8")
    policy.chmod(0o755)
    _inside(root, "dpkg", "--configure", "-a")
    # A mirror may be a snapshot that is older than its own end of validity; signatures are checked all the same.
    _inside(root, "apt-get", "-o", "Acquire::Check-Valid-Until=false", "update")
    _inside(root, "apt-get", "install", "--yes", "--no-install-recommends", *lacking)
    _inside(root, "apt-get", "clean")
    print(f"{suite}: complete in {root}", flush=True)


def _inside(root: Path, *command: str) -> None:
    """Run a command in the chroot, with a /proc that is gone afterwards."""
    script = 'mount -t proc proc "$1/proc" && DEBIAN_FRONTEND=noninteractive exec chroot "$@"'
    _run("unshare", "--mount", "sh", "-c", script, "sh", root, *command)


def _run(*command: str | Path) -> None:
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        raise ChrootError(f"{command[0]} failed; see above, then run this again: it goes on from here.") from error


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.blender.gui.chroot", description=__doc__)
    parser.add_argument("suites", nargs="+", choices=PACKAGES, metavar="SUITE", help="trixie, sid")
    parser.add_argument("--chroots", type=Path, default=default_folder(), help=f"default: {default_folder()}")
    arguments = parser.parse_args()
    try:
        check_machine()
        for suite in arguments.suites:
            complete(suite, arguments.chroots.absolute() / suite)
    except ChrootError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
