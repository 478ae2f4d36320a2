"""What must stay true of the tree itself: sources, lock files, scripts, and habits a linter does not know.

Reads files only. Each test names every offender at once, with what to do about it.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from chatd.version import VERSION
from tests.tree import PYTHON, ROOT, SCRIPTS, named, none, walk

BACKEND = re.compile(r"(\A|_)(sql|sqlite|postgres|redis|ical)(\Z|_)|\Amigrations\Z")
"""What names a file, or its folder, after a backend: only those import a driver in rooms/ and presence/."""

MAY_IMPORT = {
    "presence": {"presence", "msgspec"},
    "rooms": {"rooms", "presence", "msgspec"},
    "web": {"web"},
    "chatd/checker.py": set[str](),
    "chatd/client": {"chatd.client", "msgpack", "websockets"},
}
"""Besides the standard library. The checker judges what the rest did, so it shares nothing with it; the
client is what a stranger would write from docs/protocol.md, so it knows nothing of the server."""

MEANWHILE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


# ---- sources -----------------------------------------------------------------------------------


def test_every_module_says_why_it_exists() -> None:
    """The first words of a module are a sentence; of a script, a comment after `#!`."""
    silent = [
        named(path)
        for path in PYTHON
        if not (path.name == "__init__.py" and named(path).startswith("tests/"))
        and not re.search(r"[.:!?]", ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
    ]
    for path in SCRIPTS:
        lines = path.read_text("utf-8").splitlines()
        if not lines[1 if lines[0].startswith("#!") else 0].startswith("# "):
            silent.append(named(path))
    silent += [
        named(path)
        for path in walk(ROOT / "web")
        if path.suffix in (".js", ".mjs", ".css") and not re.match(r"\s*(//|/\*)", path.read_text("utf-8"))
    ]
    none(silent, "These begin without a word on why they exist:")


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "."


def test_only_files_named_after_a_backend_import_a_driver() -> None:
    """An allow list, where import-linter's is one of what is forbidden: a new library starts outside."""
    offenders = []
    for path in PYTHON:
        name = named(path)
        allowed = MAY_IMPORT.get(name, MAY_IMPORT.get(name.split("/", maxsplit=1)[0]))
        if allowed is None or any(BACKEND.search(part.removesuffix(".py")) for part in name.split("/")):
            continue
        allowed = allowed | sys.stdlib_module_names
        offenders += [
            f"{name}:{line} imports {module}"
            for line, module in imported(ast.parse(path.read_text("utf-8")))
            if allowed.isdisjoint((module, module.split(".")[0]))
        ]
    none(offenders, "These reach for what is not theirs (docs/architecture.md, 'Directions'):")


def test_tests_wait_for_something() -> None:
    """A test that sleeps is slow or flaky, and mostly both. Fixtures hold the one bounded way to wait."""
    offenders = []
    for path in PYTHON:
        if not named(path).startswith("tests/") or named(path).startswith("tests/fixtures/"):
            continue
        if named(path) == "tests/chatd/virtual_time.py":  # its sleep takes no time
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            gives_way = isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
            if ast.unparse(node.func) in ("time.sleep", "asyncio.sleep", "sleep") and not gives_way:
                offenders.append(f"{named(path)}:{node.lineno}")
    none(offenders, "These sleep; wait for an event or a condition instead:")


def test_what_is_silenced_says_why() -> None:
    """A rule may be wrong for one line; the line then says so in words, after the rule's name."""
    offenders = []
    silencer = re.compile(r"#\s*(noqa|type:\s*ignore|pragma: no cover)\b(?P<rest>.*)")
    for path in PYTHON:
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            found = silencer.search(line)
            if found and len(re.findall(r"[a-z]{2,}", re.sub(r"\[.*?\]|[A-Z]+\d+", "", found["rest"]))) < 2:
                offenders.append(f"{named(path)}:{number} {found[0]}")
    none(offenders, "These silence a rule without a word why:")


def test_nothing_is_left_for_later() -> None:
    offenders = [
        f"{named(path)}:{number} {line.strip()[:80]}"
        for path in walk()
        if path != Path(__file__) and path.suffix in (".py", ".js", ".mjs", ".css", ".html", ".sh", ".md", "")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if MEANWHILE.search(line)
    ]
    none(offenders, "Finish these, or file them where they are seen:")


# ---- what is installed -------------------------------------------------------------------------


def test_lock_files_are_exact_and_name_no_index() -> None:
    """Whoever installs decides from where; the hashes decide what."""
    for lock in ("runtime", "dev"):
        text = (ROOT / f"requirements/{lock}.txt").read_text("utf-8")
        assert "://" not in text
        assert not re.search(r"^\s*--(?!hash=sha256:)", text, re.MULTILINE), "only hashes, no options"
        entries = re.split(r"\n(?=[a-z])", text)[1:]
        none(
            [
                entry.splitlines()[0]
                for entry in entries
                if "==" not in entry or "--hash=sha256:" not in entry
            ],
            f"requirements/{lock}.txt does not pin these, with hashes (scripts/lock does):",
        )
    lock_file = ROOT / "package-lock.json"
    none(
        re.findall(r'"resolved": .*', lock_file.read_text("utf-8")),
        "package-lock.json names where it was made (npm's omit-lockfile-registry-resolved leaves that away):",
    )


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / f"requirements/{lock}.txt").read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_tests_run_with_what_people_run_with() -> None:
    """The development lock holds the runtime lock, version for version, and every range is locked."""
    runtime, dev = pins("runtime"), pins("dev")
    assert runtime.items() <= dev.items(), "run scripts/lock"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for ranges, lock in (
        (project["project"]["dependencies"], runtime),
        (project["dependency-groups"]["dev"], dev),
    ):
        names = [re.match(r"[a-z0-9-]+", spec) for spec in ranges]
        none([match[0] for match in names if match and match[0] not in lock], "Not locked, run scripts/lock:")


def test_the_version_is_one() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"] == VERSION
    assert f"\n## {VERSION} " in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_scripts_can_be_run() -> None:
    none(
        [named(path) for path in SCRIPTS if path.suffix != ".sh" and not path.stat().st_mode & 0o111],
        "These need `chmod +x`:",
    )
    readme = (ROOT / "scripts/README.md").read_text("utf-8")
    none(
        [path.name for path in SCRIPTS if path.parent.name == "scripts" and f"`{path.name}`" not in readme],
        "scripts/README.md does not say what these are for:",
    )
