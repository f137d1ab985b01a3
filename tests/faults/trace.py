# SPDX-License-Identifier: GPL-3.0-or-later
"""The file operations of processes, recorded by `strace`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "openat,creat,mkdir,mkdirat,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,rename,renameat,renameat2,"
    "unlink,unlinkat,rmdir,link,linkat,fsync,fdatasync"
)
LONGEST_WRITE = 4_000_000


@dataclass(frozen=True)
class Call:
    """A system call that succeeded. paths: of the files that it names or whose descriptors it was given. content: what
    it writes. numbers: its other arguments. begun, ended: in seconds since the epoch."""

    name: str
    paths: tuple[str, ...]
    content: bytes
    numbers: tuple[int, ...]
    flags: str
    begun: float
    ended: float


def can_trace() -> bool:
    """Return whether this machine has a strace that may trace processes."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


def strace(log: Path) -> tuple[str, ...]:
    """Return the words to put before a command, so that its calls and those of its children are written to `log`."""
    options = ("-f", "-y", "-xx", "-ttt", "-T", "-s", str(LONGEST_WRITE), "-e", f"trace={CALLS}", "--seccomp-bpf")
    return ("strace", *options, "-o", str(log))


def read_calls(log: Path) -> Iterator[Call]:
    """Yield the calls of a log that succeeded, in the order in which they began."""
    begun: dict[str, tuple[int, float, str]] = {}
    found: list[tuple[int, Call]] = []
    for place, line in enumerate(log.read_text(encoding="ascii", errors="replace").splitlines()):
        process, moment, text = line.split(None, 2)
        if text.endswith("<unfinished ...>"):
            begun[process] = place, float(moment), text.removesuffix("<unfinished ...>")
        elif text.startswith("<... "):
            first, start, head = begun.pop(process)
            found += [(first, call) for call in _call(head + text.partition("resumed>")[2], start)]
        else:
            found += [(place, call) for call in _call(text, float(moment))]
    found.sort(key=lambda one: one[0])
    # A call that had not ended when everything was killed changed nothing that was acknowledged.
    return (call for _, call in found)


_CALL = re.compile(r"(\w+)\((.*)\) += (\d+)(?:<[^>]*>)? <([\d.]+)>$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR = re.compile(r"\b(\w+)<((?:\\x[0-9a-f]{2})*)>(?:\(deleted\))?")


def _call(text: str, begun: float) -> Iterator[Call]:
    found = _CALL.match(text)
    if found is None:  # it failed, or is a signal
        return
    name, arguments, _result, seconds = found.groups()
    descriptors = [_unescape(path) for _, path in _DESCRIPTOR.findall(arguments)]
    strings = [_unescape(string) for string in _STRING.findall(arguments)]
    rest = _DESCRIPTOR.sub("", _STRING.sub("", arguments))
    numbers = tuple(int(number) for number in re.findall(r"\b\d+\b", rest))
    if name in ("write", "pwrite64", "writev", "pwritev"):
        paths, content = tuple(os.fsdecode(path) for path in descriptors), b"".join(strings)
    elif strings:
        folders = [os.fsdecode(path) for path in descriptors]
        names = [os.fsdecode(string) for string in strings]
        if len(folders) < len(names):
            folders += [os.getcwd()] * (len(names) - len(folders))
        paths = tuple(os.path.join(folder, one) for folder, one in zip(folders, names, strict=False))
        content = b""
    else:
        paths, content = tuple(os.fsdecode(path) for path in descriptors), b""
    yield Call(name, paths, content, numbers, rest, begun, begun + float(seconds))


def _unescape(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
