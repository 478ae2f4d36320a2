"""Staff passes on one node: which keys it believes and, where this server gives passes itself, the issuer.

    here        the issuer keeps its things in DATA/issuer, apart from everything else; one machine only
    elsewhere   a `chatd issuer` of the hospital's; its public keys come from a file or its own address

Looks every few seconds: at the rooms that ask for passes, and whether a period turns. Nothing is made or
asked as long as no room asks for a pass; what was given here is ended also when none does any more.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from chatd import logs
from chatd.passes.issuer import MAX_ROOMS, PassIssuer, has_given, open_issuer
from chatd.passes.keys import NoKeys, Passes, PassKey, parse
from chatd.passes.source import NotRead, read_source, source_of
from chatd.passes.store_sqlite import PassStoreAway
from chatd.settings import Settings, SettingsError
from rooms.catalog import Catalog
from rooms.log import LogError

_log = logs.get("passes")

LOOK_S: Final = 5.0
ASK_S: Final = 120.0
"""How often another issuer is asked for its keys."""
ASK_AGAIN_S: Final = 15.0
"""The same where it did not answer, or has no key for a room that asks for passes."""


class PassDesk:
    """`wall` gives Unix seconds, `clock` is monotonic. `rooms`: those that passes are given for, where it is
    not the catalog that says (`chatd issuer`)."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        *,
        wall: Callable[[], float],
        clock: Callable[[], float],
        rooms: Collection[str] | None = None,
    ) -> None:
        self.believed = Passes(wall)
        self.trouble = ""
        """Why there may be no passes just now: a word for a log line; "" where all is well."""
        self._settings = settings
        self._catalog = catalog
        self._wall = wall
        self._clock = clock
        self._rooms = rooms
        self._source = source_of(settings)
        # Of several machines each would count for itself: two passes for one person.
        self._gives = self._source is None and settings.database is None
        self._own: PassIssuer | None = None
        self._ask_at = 0.0
        self._looking = asyncio.Lock()
        self._begun = 0
        """Looks."""

    @property
    def issuer(self) -> PassIssuer | None:
        """Where passes are given here."""
        return self._own if self._gives else None

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Have the keys that are needed now. What cannot be done is logged, once, and tried again.

        Of many who ask at the same time one looks for all: anybody can make a server look.
        """
        enough = self._begun + 1
        async with self._looking:
            if self._begun >= enough:
                return  # one has begun since, and is over
            self._begun += 1
            try:
                rooms = await self._asking()
                try:
                    if self._source is not None and rooms:
                        await self._ask(self._source, rooms)
                finally:
                    await self._prepare(rooms if self._gives else set())
                if rooms and self._source is None and not self._gives:
                    raise _OneMachine
                # Also where an issuer elsewhere was not told of a room.
                missing = self._rooms is None and any(self.believed.key(room) is None for room in rooms)
                trouble = "no_keys" if missing else ""
            except _NotYet:
                trouble = self.trouble
            except (LogError, PassStoreAway, OSError):
                trouble = "store"
            except SettingsError:
                trouble = "settings"
            except NotRead:
                trouble = "unread"
            except NoKeys:
                trouble = "no_keys"
            except _OneMachine:
                trouble = "needs_issuer"
            except _TooMany:
                trouble = "too_many_rooms"
        if trouble and trouble != self.trouble:
            _log.error("passes_in_trouble", state=trouble)
        self.trouble = trouble

    async def _asking(self) -> set[str]:
        if self._rooms is not None:
            return set(self._rooms)
        return {spec.name for spec in await self._catalog.list() if spec.door == "pass"}

    async def _prepare(self, rooms: set[str]) -> None:
        """Also without `rooms`: what was given before has its end, and with it who was counted."""
        if self._own is None:
            if not rooms and not has_given(self._settings):
                return
            self._own = open_issuer(self._settings, self._wall)
        await self._own.prepare(rooms)
        if self._gives:
            self._learn(self._own.published())
        if len(rooms) > MAX_ROOMS:
            raise _TooMany

    async def _ask(self, source: str, rooms: set[str]) -> None:
        now = self._clock()
        if now < self._ask_at:
            raise _NotYet
        self._ask_at = now + ASK_AGAIN_S
        keys = parse(await read_source(self._settings, source))
        self._learn(keys)
        if all(self.believed.key(room) is not None for room in rooms):
            self._ask_at = now + ASK_S

    def _learn(self, keys: list[PassKey]) -> None:
        if others := self.believed.learn(keys):
            # Somebody may be told apart by a key of their own. The first one counts, for everybody.
            _log.error("pass_keys_changed", keys=others)

    async def close(self) -> None:
        if self._own is not None:
            await self._own.close()


class _NotYet(Exception):
    """The issuer was asked just now."""


class _TooMany(Exception):
    """More rooms ask for passes than are given here; the first by name have them."""


class _OneMachine(Exception):
    """Several machines share the rooms, and each would give passes for itself."""
