"""Every name chatd uses in Redis, in one place. Nothing here names a person, a handle or a text.

Pub/sub channels, which Redis forgets when nobody listens:

    chatd:bus:<channel>       what the hub and presence send from node to node (`chatd.bus`)
    chatd:pulse:<pulse id>    one node's dead-man: published and heard by that node alone

And only where the rooms' keys are kept there (`epochs/keystore_redis.py`):

    chatd:key:<digest>        one key, wrapped
    chatd:keys:since          when this memory began

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


KEYS_SINCE: Final = f"{NAMESPACE}:keys:since"


def epoch_key(name: str) -> str:
    """`name` is a digest (`rooms.keystore.key_name`)."""
    return f"{NAMESPACE}:key:{name}"


def epoch_keys() -> str:
    """The pattern of them all."""
    return epoch_key("*")


def epoch_key_name(full: bytes) -> str:
    return full.decode().rpartition(":")[2]
