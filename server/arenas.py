# SPDX-License-Identifier: GPL-3.0-or-later
"""Arenas: the parts of the heap that the C library gives to threads."""

import ctypes
import os

MOST_ARENAS = 2
_M_ARENA_MAX = -8  # malloc.h
_VARIABLE = "MALLOC_ARENA_MAX"


def limit_arenas(most: int = MOST_ARENAS) -> None:
    """Let all threads of this process share a few arenas. Call it before threads are started.

    glibc gives up to eight arenas a core to threads, and each keeps what one of them once needed (mallopt(3)). A server
    of many threads then seems to grow for days. What the user has set in the environment counts instead. Other C
    libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None and _VARIABLE not in os.environ:
        mallopt(_M_ARENA_MAX, most)
