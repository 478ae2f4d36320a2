"""Three checks of `chatd doctor`: that every session and every period of a room is erased, and every key
destroyed, that should be by now, and that what is planned can be read.

Reads the heads of the rooms in the store, the keys that open them, and the series; changes nothing. Says how
many, never which.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from chatd.called import chatd
from chatd.doctor.here import WAIT_S, Finding, ok
from chatd.epochs.bodies import BodySealer
from chatd.epochs.endings import OVERDUE_S
from chatd.epochs.keystore_files import FOLDER_NAME
from chatd.epochs.keystores import open_keys, where
from chatd.epochs.local_zone import periods
from chatd.folder import untouched
from chatd.settings import STORE_NAME, Settings, SettingsError
from rooms.catalog import RoomSpec
from rooms.children import belongs
from rooms.keyring import Keyring
from rooms.keystore import KEYS_OVERDUE_S, Kept, KeysUnavailable, key_name
from rooms.log import LogCorrupt, LogError
from rooms.periods import RENEW_DAYS, Periods, days_of
from rooms.rules_sql import head_of
from rooms.sealer import Boxes, is_sealed

T = TypeVar("T")

WHAT: Final = "Erasure"
KEYS: Final = "Keys"
PLANS: Final = "Plans"
SERIES: Final = "SELECT ical FROM series"
SPECS: Final = "SELECT name, spec FROM specs"
HEADS: Final = "SELECT name, epoch, head, tail, rules_version, rules, began_at FROM rooms"


def check_erasures(settings: Settings) -> Finding:
    """Where a server runs, it erases by itself, and makes up for what was due while it was away."""
    try:
        rows = _rows(settings)
        days = _days(_rows(settings, SPECS) or [])
        late = overdue(
            rows, int(time.time()), _run(lambda: _boxes(settings, rows or [])), (periods(settings), days)
        )
    except (KeysUnavailable, SettingsError):
        return Finding(WHAT, "warning", "the rooms' keys cannot be read", "Another finding says why.")
    except LogCorrupt:
        return Finding(WHAT, "warning", "a room's rules cannot be read", "Was it written by a newer chatd?")
    if late is None:
        return ok(WHAT, "no store to look at yet")
    if not late:
        return ok(WHAT, "nothing is kept for longer than was said")
    return Finding(
        WHAT,
        "failure",
        f"{late} session{'s or periods of rooms are' if late > 1 else ' or period of a room is'} still there "
        "and should be erased",
        f"Start the server ({chatd()} serve): it erases them within a minute. If it runs already, its log "
        "says what keeps it from writing.",
    )


def check_keys(settings: Settings) -> Finding:
    """A key of no present epoch was to be destroyed. Where a server runs, it looks for them itself."""
    if not settings.data.exists():
        return ok(KEYS, "no store to look at yet")
    try:
        rows = _rows(settings) or []
        kept = _run(lambda: _kept(settings))
    except SettingsError as error:
        return Finding(KEYS, "failure", error.problems[0], "Put the master key back, or set it.")
    except LogError as error:
        return Finding(
            KEYS, "failure", str(error), "Without them nobody can come in, and nothing is readable."
        )
    living = {key_name(row[0], row[1]) for row in rows}
    late = late_keys(kept, living, int(time.time()))
    if not late:
        return ok(KEYS, f"{len(kept)} in {where(settings)}, none older than what it is for")
    return Finding(
        KEYS,
        "failure",
        f"{late} key{'s are' if late > 1 else ' is'} still there and should be destroyed",
        f"Start the server ({chatd()} serve): it destroys them within minutes. If it runs already, its log "
        "says what keeps it from that.",
    )


def check_plans(settings: Settings) -> Finding:
    """A series that cannot be read is left out, so that the others open."""
    from rooms.series_ical import NotASeries, from_ical

    rows = _rows(settings, SERIES)
    if rows is None:
        return ok(PLANS, "no store to look at yet")
    unread = 0
    for (text,) in rows:
        try:
            from_ical(text)
        except NotASeries:
            unread += 1
    if not unread:
        return ok(PLANS, f"{len(rows)} series")
    return Finding(
        PLANS,
        "failure",
        f"{unread} of {len(rows)} series cannot be read, so none of their sessions opens",
        f"Were they written by a newer chatd? Run that. Or find them: `{chatd()} room list` has their rooms, "
        f"and `{chatd()} session list` lacks them. `{chatd()} session delete` them, and plan them anew.",
    )


def late_keys(kept: Sequence[Kept], living: Collection[str], now: int) -> int:
    """How many keys are of none of the `living` epochs, and have been for long."""
    return sum(each.name not in living and each.made_at < now - KEYS_OVERDUE_S for each in kept)


def overdue(
    rows: Sequence[Sequence[Any]] | None,
    now: int,
    boxes: Boxes | None = None,
    renewed: tuple[Periods, Mapping[str, int]] | None = None,
) -> int | None:
    """How many of the rooms whose heads these are should have been erased well before `now`. `renewed`: when
    rooms begin anew, and after how many days, by name; of a room that is not there, after one."""
    if rows is None:
        return None
    late = 0
    for row in rows:
        head = head_of(row[1:], row[0], boxes)
        session = head.rules.session
        if session is not None:
            late += session.erase_at is not None and now > session.erase_at + OVERDUE_S
        elif renewed is not None and not belongs(row[0]):
            calendar, days = renewed
            every = days.get(row[0], RENEW_DAYS["drop-in"])
            late += calendar.is_over(every, head.began_at, now - OVERDUE_S)
    return late


def _days(rows: Sequence[Sequence[Any]]) -> Mapping[str, int]:
    """After how many days each room of the catalog begins anew. `LogCorrupt` where one cannot be read."""
    try:
        return {name: days_of(msgspec.json.decode(spec, type=RoomSpec)) for name, spec in rows}
    except msgspec.DecodeError:
        raise LogCorrupt("A room of the catalog cannot be read.") from None


def _rows(settings: Settings, query: str = HEADS) -> Sequence[Sequence[Any]] | None:
    url = settings.database
    return _sqlite(settings, query) if url is None else _run(lambda: _postgres(url, query))


def _run(work: Callable[[], Coroutine[None, None, T]]) -> T:
    """What `work` returns, from an event loop of its own, whoever asks."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()


async def _boxes(settings: Settings, rows: Sequence[Sequence[Any]]) -> Boxes:
    sealed = [(row[0], row[1]) for row in rows if is_sealed(row[5])]
    if not sealed:
        return {}
    keys = open_keys(settings)
    try:
        return await BodySealer(Keyring(keys)).boxes(sealed)
    finally:
        await keys.close()


async def _kept(settings: Settings) -> Sequence[Kept]:
    if where(settings) == "files" and not (settings.data / FOLDER_NAME).exists():
        return []  # and no master key is made by looking
    keys = open_keys(settings)
    try:
        return await keys.every()
    finally:
        await keys.close()


def _sqlite(settings: Settings, query: str) -> Sequence[Sequence[Any]] | None:
    file = settings.data / STORE_NAME
    if not file.exists():
        return None
    uri = f"file:{quote(str(file.resolve()))}?{untouched(file)}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=WAIT_S)) as database:
            return database.execute(query).fetchall()
    except sqlite3.Error:
        return None  # another check says what is wrong with it


async def _postgres(url: str, query: str) -> Sequence[Sequence[Any]] | None:
    import asyncpg

    try:
        async with asyncio.timeout(WAIT_S):
            connection = await asyncpg.connect(url)
            try:
                return [tuple(row) for row in await connection.fetch(query)]
            finally:
                await connection.close(timeout=WAIT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError):
        return None  # as above
