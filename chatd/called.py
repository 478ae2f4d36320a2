"""What to type for this program, so that advice can be followed as it stands.

In a clone it is `scripts/chatd`, which says so in CHATD_COMMAND. Reads the environment; touches nothing.
"""

import os
import shlex
from typing import Final

COMMAND_VARIABLE: Final = "CHATD_COMMAND"


def chatd() -> str:
    """The command, ready for a shell: `chatd`, `scripts/chatd`, `/opt/chatd/scripts/chatd`."""
    return shlex.quote(os.environ.get(COMMAND_VARIABLE) or "chatd")
