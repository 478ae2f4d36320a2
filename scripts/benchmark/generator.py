"""Runs the load generator (`load.c`) and reads the server's CPU and memory between its phases.

Touches one child process and /proc.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from scripts.benchmark.processes import TASKSET, Trouble, cpu_s, rss_kib

Phase: TypeAlias = dict[str, Any]


def run(
    binary: Path,
    kind: str,
    port: int,
    options: Sequence[str],
    *,
    core: int,
    pids: Sequence[int],
    within_s: float,
) -> dict[str, Phase]:
    """Each phase by its name, as `load.c` prints it, with `at_s`, `cpu_s` and `rss_kib` of the server then.

    `Trouble` where the generator says so, or has not ended after `within_s`.
    """
    command = [TASKSET, "--cpu-list", str(core), str(binary), "--kind", kind, "--port", str(port), *options]
    phases: dict[str, Phase] = {}
    with subprocess.Popen(  # noqa: S603  a program that we compiled
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        timer = threading.Timer(within_s, child.kill)
        timer.start()
        try:
            for line in child.stdout:
                phase = json.loads(line)
                phase |= {"at_s": time.monotonic(), "cpu_s": cpu_s(pids), "rss_kib": rss_kib(pids)}
                phases[phase["phase"]] = phase
            said = child.stderr.read().strip()
        finally:
            timer.cancel()
            child.kill()
    if "failed" in phases:
        raise Trouble(
            f"the generator stopped: {phases['failed']['why']}" + (f" ({said[-300:]})" if said else "")
        )
    if "done" not in phases:
        raise Trouble(f"the generator did not end within {within_s:.0f} s {said[-300:]}")
    if said:
        sys.stderr.write(f"  {said}\n")
    return phases


def cpu_between(phases: dict[str, Phase], start: str, end: str) -> float:
    """CPU seconds of the server between two phases."""
    used: float = phases[end]["cpu_s"] - phases[start]["cpu_s"]
    return used
