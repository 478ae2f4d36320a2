"""Which rooms there are: their specifications, and the interface that keeps them.

A `RoomSpec` is what an operator or facilitator decided about a room beforehand. What happens
inside it while people are there is in the log.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Meta

from rooms.command import RoomName

Kind: TypeAlias = Literal["drop-in", "session", "knowledge"]
Door: TypeAlias = Literal["ticket", "pass"]
"""What somebody shows to come in where a room is not open."""

DEFAULT_CAPACITY: dict[str, int] = {"drop-in": 1000, "session": 8, "knowledge": 1000}
"""People at once. A session is small on purpose; PRODUCT: capacity 8, hard limit 15."""

HISTORY_S: dict[str, int] = {"drop-in": 24 * 3600, "session": 24 * 3600, "knowledge": 30 * 24 * 3600}
"""How long what was said is kept, in seconds, by kind."""


ORIGIN: Final = re.compile(
    r"(https://{host}(?!:443\Z)|http://{host}(?!:80\Z))(:[1-9][0-9]{{0,4}})?".format(
        host=r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
    )
)
"""An origin exactly as browsers write it (RFC 6454 section 6.2): lower case, no path, no default port. A
number instead of a name is fine; what a Content-Security-Policy cannot say (IPv6, wildcards) is left out."""

MAX_EMBED: Final = 32
"""Origins that may frame one room. They go into one header of its page."""


def is_origin(text: str) -> bool:
    """Whether a browser would write an origin like this, so that comparing texts compares origins."""
    return ORIGIN.fullmatch(text) is not None


def is_room_name(text: str) -> bool:
    """Whether a room may be called so."""
    try:
        msgspec.convert(text, RoomName)
    except msgspec.ValidationError:
        return False
    return True


class RoomSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: RoomName
    title: Annotated[str, Meta(min_length=1, max_length=120)]
    kind: Kind = "drop-in"
    capacity: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    open: bool = False
    """Anybody who reaches the page may join, without a ticket."""
    listed: bool = True
    """Shown in the lobby."""
    embed: Annotated[tuple[str, ...], Meta(max_length=MAX_EMBED)] | None = None
    """Origins whose pages may show this room in a frame, each as `is_origin` has it. None: those that the
    deployment allows; empty: nobody's."""

    renew_days: Annotated[int, Meta(ge=0, le=366)] | None = None
    """After how many days the room begins anew: what was said is erased, and everybody has another handle.
    0 is never. None: as is usual for its kind (`periods.py`). Of a session's room it says nothing."""

    door: Door = "ticket"
    """`pass`: participants show a staff pass, which says
    that they work here and not who they are; facilitators show a ticket as ever."""

    def __post_init__(self) -> None:
        if self.open and self.door == "pass":
            raise ValueError("a room that is open asks for no pass")
        if not all(map(is_origin, self.embed or ())):
            raise ValueError("an origin is like https://intranet.example.org")


class RoomExists(Exception):
    """`add` was given a name that is taken."""


class NoSuchRoom(Exception):
    """`change` was given a name that no room has."""


class Catalog(Protocol):
    """Guarantees: what `add` returned from is on disk and seen by every process that shares it."""

    async def add(self, spec: RoomSpec) -> None:
        """Keep it; `RoomExists` where the name is taken."""
        ...

    async def change(self, spec: RoomSpec) -> None:
        """Put it in the place of the one with its name; `NoSuchRoom` where there is none."""
        ...

    async def get(self, name: str) -> RoomSpec | None: ...

    async def list(self) -> Sequence[RoomSpec]:
        """All of them, by name."""
        ...

    async def close(self) -> None: ...
