"""What a process's memory holds stays in it; what was let go of is overwritten. In processes of their own."""

import asyncio
import errno
import io
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from chatd import memory
from chatd.doctor import here as doctor
from chatd.epochs import wiping
from chatd.settings import Settings
from tests.tree import ROOT

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux' own")

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
GUARD = "from chatd import memory; memory.guard(readable={}); "
DUMPABLE = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"

FORGET = """
import asyncio, re, sys
from chatd import memory
from chatd.epochs import wiping
memory.guard(readable=True)
MARK = bytes(reversed(b"irazorp-egayov"))

def seen():
    # In parts, into one buffer, so that looking leaves no copies behind.
    part, found = bytearray(1 << 20), 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as image:
        for line in maps.read().splitlines():
            if not (at := re.match(r"(\\w+)-(\\w+) rw", line)):
                continue
            begin, end = int(at[1], 16), int(at[2], 16)
            while begin < end:
                image.seek(begin)
                try:
                    n = image.readinto(memoryview(part)[: min(len(part), end - begin)])
                except OSError:
                    break
                found += part[:n].count(MARK)
                begin += n
    part[:] = bytes(len(part))
    return found

def says():
    return [MARK.decode() + str(n) + " " * length for n in range(200) for length in (1, 40, 200, 420)]

before = seen()
said = says()
during = seen()
del said
after = seen()
for _ in wiping.wipe_free():
    pass
print(before, during, after, seen())
"""


def python(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    def cores() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        preexec_fn=cores if hard == resource.RLIM_INFINITY else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_process_that_crashes_leaves_no_image_of_its_memory(tmp_path: Path) -> None:
    for name, guard in (("bare", ""), ("guarded", GUARD.format(True)), ("closed", GUARD.format(False))):
        folder = tmp_path / name
        folder.mkdir()
        assert python(guard + CRASH, folder).returncode == -signal.SIGSEGV
        if guard:
            assert not list(folder.iterdir()), name


def test_nobody_else_reads_along_but_on_a_server_for_trying_out(tmp_path: Path) -> None:
    for readable in (True, False):
        done = python(GUARD.format(readable) + DUMPABLE, tmp_path)
        assert done.stdout == f"{readable:d}\n", done.stderr
    limits = python(GUARD.format(False) + "print(open('/proc/self/limits').read())", tmp_path).stdout
    [cores] = [line.split() for line in limits.splitlines() if line.startswith("Max core")]
    assert cores[4:6] == ["1", "1"], "a limit of 0 is none where the system pipes core images to a program"


def test_with_another_c_library_a_server_starts_and_wipes_nothing(tmp_path: Path) -> None:
    other = "import ctypes, types; ctypes.CDLL = lambda _: types.SimpleNamespace(); "
    done = python(other + GUARD.format(True) + "print(memory.guarded())", tmp_path)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_what_was_let_go_of_is_overwritten(tmp_path: Path) -> None:
    done = python(FORGET, tmp_path)
    assert done.returncode == 0, done.stderr
    before, during, after, wiped = map(int, done.stdout.split())
    assert during >= before + 800
    assert after > before + 400, "Python overwrites nothing by itself"
    assert wiped <= before, "what is still found was there before, in use"


# Small pieces in use lie between small free ones, so that nothing is given back to the system by itself.
STALL = """
import ctypes, time
from chatd import memory
from chatd.epochs import wiping
memory.guard(readable=True)
libc = ctypes.CDLL(None)
libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None
pieces = [libc.malloc(200) for _ in range(200_000)]
for piece in pieces[::2]:
    libc.free(piece)
steps = wiping._fill_heap(wiping._Memory())
print(sum(1 for _ in steps))
"""


def test_others_have_their_turn_while_much_is_overwritten(tmp_path: Path) -> None:
    done = python(STALL, tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1.5 * 100_000 / wiping.STEP_BLOCKS, (
        "when it is taken, and when it is given back"
    )


async def test_wiping_that_fails_cuts_nobody_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiping, "WHEN_S", (0.0,))
    monkeypatch.setattr(wiping, "guarded", lambda: True)
    tried = asyncio.Event()

    async def wipe_reads() -> None:
        tried.set()
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(wiping, "wipe_reads", wipe_reads)
    task = asyncio.create_task((asked := wiping.Wiping()).run())
    async with asyncio.timeout(10):
        for _ in range(2):
            asked.soon()
            await tried.wait()
            tried.clear()
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_wiping_is_done_soon_after_and_only_in_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiping, "WHEN_S", (0.0,))
    wiped = asyncio.Event()

    def wipe_free() -> Iterator[None]:
        wiped.set()
        yield

    monkeypatch.setattr(wiping, "wipe_free", wipe_free)
    looked = asyncio.Event()

    def guarded() -> bool:
        looked.set()
        return ours

    monkeypatch.setattr(wiping, "guarded", guarded)
    task = asyncio.create_task((asked := wiping.Wiping()).run())
    async with asyncio.timeout(10):
        ours = False
        asked.soon()
        await looked.wait()
        assert not wiped.is_set()
        ours = True
        asked.soon()
        await wiped.wait()
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("swaps", ["Filename Type Size\n", "Filename Type Size\n/dev/sda2 partition 99\n"])
def test_the_doctor_says_where_memory_may_go(
    swaps: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "swaps").write_text(swaps)
    monkeypatch.setattr(memory, "SWAPS", tmp_path / "swaps")
    text = io.StringIO()
    doctor.report(Settings(data=tmp_path / "new"), Console(file=text, width=300))
    assert ("MemorySwapMax=0" in text.getvalue()) is ("sda2" in swaps)
