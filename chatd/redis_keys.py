"""Every name chatd uses in Redis, in one place. Nothing here names a person, a handle or a text.

Only pub/sub channels so far, which Redis forgets when nobody listens; no key is ever written.

    chatd:bus:<channel>       what the hub and presence send from node to node (`chatd.bus`)
    chatd:pulse:<pulse id>    one node's dead-man: published and heard by that node alone

`namespace` (here `chatd`) keeps two installations on one server apart: database numbers do not,
because pub/sub ignores them.
"""

from typing import Final

NAMESPACE: Final = "chatd"


def bus_channel(channel: str, *, namespace: str = NAMESPACE) -> str:
    return f"{namespace}:bus:{channel}"


def pulse_channel(pulse_id: str, *, namespace: str = NAMESPACE) -> str:
    """`pulse_id` is random and new for every start of a node."""
    return f"{namespace}:pulse:{pulse_id}"
