# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's threads share few arenas of the C library's heap."""

import os
import platform
import subprocess
import sys

import pytest

from server.arenas import MOST_ARENAS

ARENAS = """
import ctypes, sys, threading
from pathlib import Path
from server.arenas import limit_arenas

limit = {limit}
if limit:
    limit_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
started = threading.Barrier(16)

def allocate():
    started.wait()
    for _ in range(200):
        libc.malloc(3000)
    started.wait()

threads = [threading.Thread(target=allocate) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fopen({path!r}.encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
@pytest.mark.parametrize(("limit", "variable"), [(True, ""), (False, ""), (True, "3")])
def test_threads_share_a_few_arenas_unless_the_user_says_otherwise(tmp_path, limit: bool, variable: str) -> None:
    path = tmp_path / "malloc.xml"
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    environment |= {"MALLOC_ARENA_MAX": variable} if variable else {}
    code = ARENAS.format(limit=limit, path=str(path))
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    arenas = path.read_text(encoding="utf-8").count("<heap nr=")
    if variable:
        assert arenas == int(variable)
    elif limit:
        assert arenas <= MOST_ARENAS
    else:
        assert arenas > MOST_ARENAS, "without the limit there are more"
