"""docs/transports.md tells what was tried: every configuration in it is a part of one that runs here."""

import re
from textwrap import dedent

from tests.proxies.programs import CONFIGS, Template
from tests.proxies.rows import LETS_WEBSOCKET_THROUGH, ROWS, SPARES_THE_CHAT
from tests.tree import ROOT, none

DOCUMENT = (ROOT / "docs/transports.md").read_text("utf-8")
SHOWN = re.findall(r"```(nginx|haproxy|apache|squid)\n(.*?)```", DOCUMENT, re.DOTALL)
EXAMPLE = {"upstream": "127.0.0.1:8000", "host": "chat.example.org"}


def lines(text: str) -> str:
    """Without indentation, comments and empty lines."""
    bare = (line.strip() for line in dedent(text).splitlines())
    return "\n".join(line for line in bare if line and not line.startswith("#"))


def test_configurations_in_the_document_are_those_that_were_tried() -> None:
    written = [file.read_text("utf-8") for file in CONFIGS.iterdir()]
    written += [LETS_WEBSOCKET_THROUGH, SPARES_THE_CHAT]
    tried = [lines(Template(text).safe_substitute(EXAMPLE)) for text in written]
    none(
        [text for _, text in SHOWN if not any(lines(text) in config for config in tried)],
        "docs/transports.md shows these, and nothing in tests/proxies holds them in one piece:",
    )
    assert {kind for kind, _ in SHOWN} == {"nginx", "haproxy", "apache", "squid"}


def test_every_intermediary_has_its_row() -> None:
    none([row.name for row in ROWS if f"\n| {row.name} |" not in DOCUMENT], "Not in docs/transports.md:")
