"""What the process's memory holds stays in the process: no core image, and nobody else who reads along.

    memory.guard(readable=settings.open)      once, before there are threads

A core image would hold what people wrote, in the clear. A limit of 0 does not prevent it where the system
pipes it to a program (core(5)); a limit of 1 does, in both cases, and a process that is not dumpable
(PR_SET_DUMPABLE, prctl(2)) has none at all, and is read by nobody but root. Elsewhere than on Linux only the
limit is set; and only the GNU C library's heap is known well enough to be wiped.
"""

import ctypes
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

NO_CORE: Final = (1, 1)
PR_SET_DUMPABLE: Final = 4
ONE_ARENA: Final = -8, 1
"""M_ARENA_MAX of mallopt(3): one heap for all threads, since one thread cannot wipe another's."""

SWAPS: Final = Path("/proc/swaps")

_guarded: list[bool] = []


def guard(*, readable: bool) -> None:
    """Do it. `readable`: a debugger of the same user may still look, as on a server for trying out."""
    with suppress(OSError, ValueError):  # a container may forbid it; then it stays as it is
        resource.setrlimit(resource.RLIMIT_CORE, NO_CORE)
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        if not readable:
            libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        if hasattr(libc, "mallopt"):
            libc.mallopt(*ONE_ARENA)
            _guarded[:] = [True]


def guarded() -> bool:
    """Whether this process is a server's, whose memory is ours to walk through (`epochs/wiping.py`), and can
    be."""
    return bool(_guarded)


def swapped() -> bool:
    """Whether this machine may write memory to a disk."""
    try:
        return len(SWAPS.read_text().splitlines()) > 1
    except OSError:
        return False
