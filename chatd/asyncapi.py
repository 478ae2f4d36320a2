"""Writes docs/asyncapi.json, the wire described for machines: `python -m chatd.asyncapi`.

The description itself is made from the types, in `openapi.py`; this is its copy for readers of
the repository. A test notices when it is stale. Touches that one file.
"""

import json
from pathlib import Path
from typing import Final

from chatd.openapi import asyncapi

PATH: Final = Path(__file__).parents[1] / "docs" / "asyncapi.json"


def text() -> str:
    """The file, as it should be."""
    return json.dumps(asyncapi(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
