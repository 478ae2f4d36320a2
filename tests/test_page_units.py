"""Runs the page's own tests, which are JavaScript, so that one run and one summary hold everything.

Needs Node, with nothing installed for it: the tests import the page's modules as the browser does.
"""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from starlette.requests import Request

from chatd.pages import Pages

ROOT = Path(__file__).parents[1]
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.test.js"))
LIMIT_S = 120


@cache
def node_options() -> str:
    """Debian 12 has Node 18, which knows the browser's `crypto` only on request."""
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return "--experimental-global-webcrypto" if version.startswith("v18.") else ""


def test_there_are_some() -> None:
    assert FILES, "tests/web has no *.test.js"


def test_what_is_served_says_what_is_written(tmp_path: Path) -> None:
    """Scripts go out without comments (`chatd/pages.py`): token for token they are the same programs."""
    pages = Pages(ROOT / "web")
    written = sorted((ROOT / "web").rglob("*.js"))
    served: list[Path] = []
    for path in written:
        name = path.relative_to(ROOT / "web").as_posix()
        answer = pages.static(Request({"type": "http", "headers": []}), name)
        assert answer is not None, name
        served.append(tmp_path / name)
        served[-1].parent.mkdir(parents=True, exist_ok=True)
        served[-1].write_bytes(bytes(answer.body))
    as_written, as_served = tokens(written), tokens(served)
    for path, one, other in zip(written, as_written, as_served, strict=True):
        assert one == other, path
        assert len(one) > 1, path
    assert sum(path.stat().st_size for path in served) < 0.7 * sum(path.stat().st_size for path in written)


def tokens(files: Sequence[Path]) -> list[list[str]]:
    """What each file says, without its layout. Fails for one that cannot be parsed."""
    done = subprocess.run(
        ["node", "tests/web/tokens_of.mjs", *map(str, files)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line in lines if "wrong" in line] == []
    return [line["tokens"] for line in lines]


@pytest.mark.parametrize("file", FILES)
def test_javascript(file: str) -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", file],
        cwd=ROOT,
        env=os.environ | {"NODE_OPTIONS": node_options()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE), f"{file} ran no test:\n{done.stdout}"
