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

from chatd.embed import ABROAD
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
    """Scripts go out without comments (`pages.py`), and those of a page in one file (`bundles.py`): token
    for token they are the same programs."""
    pages = Pages(ROOT / "web")
    pages.with_more("frame", "room.html", ABROAD)
    written = {path.relative_to(ROOT / "web").as_posix(): path for path in (ROOT / "web").rglob("*.js")}
    names = [name for name in pages.names() if name in written or name.startswith("in/")]
    bodies = {name: body_of(pages, name) for name in names if name.endswith(".js")}
    assert set(written) < set(bodies)
    assert {"in/room/room/app.js", "in/frame/room/app.js", "in/facilitate/facilitate/app.js"} < set(bodies)
    for name, body in bodies.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body)
    served = [tmp_path / name for name in bodies]
    found = tokens([*written.values(), *served])
    as_written = dict(zip(written, found, strict=False))
    as_served = dict(zip(bodies, found[len(written) :], strict=True))
    for name, one in as_written.items():
        assert one == as_served[name], name
        assert len(one) > 1, name
    for name in bodies.keys() - written.keys():
        text = "\0".join(as_served[name])
        inside = re.findall(r'if\(!\("([^"]+)"in \$M', bodies[name])
        assert inside, name
        for module in inside:
            for piece in pieces(as_written[module]):
                assert piece in text, f"{name}: {module}: {piece[:200]}"
    small = sum(len(bodies[name].encode()) for name in written)
    assert small < 0.7 * sum(path.stat().st_size for path in written.values())


def body_of(pages: Pages, name: str) -> str:
    answer = pages.static(Request({"type": "http", "headers": []}), f"{pages.version}/{name}")
    assert answer is not None, name
    return bytes(answer.body).decode()


def pieces(found: list[str]) -> list[str]:
    """The tokens of a module without its imports and exports, cut where it names another file."""
    text = "\0".join(found) + "\0"
    for said in (
        r"(?:^|(?<=\0))import\0(?![(.])[^;]*?;\0",
        r"(?:^|(?<=\0))export\0\{[^;]*?;\0",
        r"(?:^|(?<=\0))export\0",
        r'import\0\(\0"[^"]+"\0\)',
        r"import\0\.\0meta\0\.\0url",
    ):
        text = re.sub(said, "\0\0", text)
    return [piece.strip("\0") for piece in text.split("\0\0") if len(piece.strip("\0")) > 1]


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
