"""What must stay true of the documents: links lead somewhere, everything can be found, promises are kept.

Reads files only.
"""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import msgspec

from chatd.metrics import Metrics
from chatd.settings import Settings
from tests.tree import DOCUMENTS, PYTHON, ROOT, named, none, walk

OPERATIONS = ROOT / "docs/operations.md"


def links(document: Path) -> Iterator[tuple[str, Path, str]]:
    """(as written, file it leads to, anchor) for each link and picture that stays within the project."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text("utf-8"), flags=re.DOTALL)
    for written in re.findall(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:src|srcset|href)=\"([^\"]+)\"", text):
        target = written[0] or written[1]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        yield target, (document.parent / unquote(path)).resolve() if path else document, anchor


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub and GitLab make them."""
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


def test_every_link_leads_somewhere() -> None:
    broken = []
    for document in DOCUMENTS:
        for written, target, anchor in links(document):
            if not target.is_relative_to(ROOT) or not target.exists():
                broken.append(f"{named(document)}: {written} (no such file)")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                broken.append(f"{named(document)}: {written} (no such heading)")
    none(broken, "These links lead nowhere:")


def test_every_document_can_be_found_from_the_readme() -> None:
    found: set[Path] = set()
    pending = [ROOT / "README.md"]
    while pending:
        document = pending.pop()
        if document in found or not document.is_file():
            continue
        found.add(document)
        if document.suffix == ".md":
            pending += [target for _, target, _ in links(document)]
    none(
        [named(path) for path in walk(ROOT / "docs") if path not in found],
        "Nobody who starts at README.md finds these; link them from docs/README.md:",
    )


def test_every_setting_is_in_the_operators_table() -> None:
    """The table in docs/operations.md says what chatd/settings.py says: name, default, sentence."""
    body = next(
        node.body
        for node in ast.parse((ROOT / "chatd/settings.py").read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    sentences = {
        field.target.id: " ".join(doc.value.value.split())
        for field, doc in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
        and isinstance(doc.value.value, str)
    }
    document = OPERATIONS.read_text("utf-8").partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [
        f"| `{field.name}` | {shown(field.default)} | {sentences[field.name]} |"
        for field in msgspec.structs.fields(Settings)
    ]
    none([row for row in rows if row not in document], "docs/operations.md lacks these rows of its table:")
    named_there = re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE)
    none([name for name in named_there if name not in sentences], "These settings are no more:")


def shown(default: object) -> str:
    """A default as a person would write it."""
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_metrics_that_operators_watch_exist() -> None:
    counted = Metrics().render().decode()
    watched = set(re.findall(r"`(chatd_[a-z_]+)", OPERATIONS.read_text("utf-8")))
    none(
        sorted(name for name in watched if name not in counted),
        "docs/operations.md watches what is not:",
    )


def test_tests_named_in_documents_exist() -> None:
    """The documents promise tests by name; a promise outlives a rename only where something looks."""
    missing = []
    for document in [*DOCUMENTS, *PYTHON]:
        for name in re.findall(r"`(tests/[\w./-]+)(?:::(\w+))?`", document.read_text("utf-8")):
            path = ROOT / name[0]
            if not path.exists() or (name[1] and f"def {name[1]}(" not in path.read_text("utf-8")):
                missing.append(f"{named(document)}: {'::'.join(filter(None, name))}")
    none(missing, "These are promised, and are not there:")
