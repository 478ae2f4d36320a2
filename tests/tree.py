"""The project's own files, for the tests that judge the tree: what there is, and its names. Reads only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NOT_SOURCE = {ROOT / "node_modules", ROOT / "build", ROOT / "data", ROOT / "dist"}
"""Folders that scripts make (see .gitignore); caches and those that begin with a dot are left out as well."""


def walk(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the project, sources and documents, in order."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            hidden = path.name.startswith(".") or path.name == "__pycache__"
            if path not in NOT_SOURCE and not hidden:
                yield from walk(path)
        else:
            yield path


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


PYTHON = [path for path in walk() if path.suffix == ".py"]
DOCUMENTS = [path for path in walk() if path.suffix == ".md"]
SCRIPTS = [path for path in walk(ROOT / "scripts") if path.suffix in ("", ".sh")] + [ROOT / ".ci/run"]


def none(offenders: list[str], what: str) -> None:
    """Fail with every offender, and without a traceback: the lines say what to do."""
    if offenders:
        pytest.fail("\n".join([what, *(f"  {offender}" for offender in offenders)]), pytrace=False)
