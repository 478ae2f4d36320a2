"""Runs the page's own tests, which are JavaScript, so that one run and one summary hold everything.

Needs Node, with nothing installed for it: the tests import the page's modules as the browser does.
"""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

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
