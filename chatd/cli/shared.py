"""What the commands share: how what was asked for becomes settings, the catalog to use, and a way to say no.

Opens the store where a command needs the catalog, and closes it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from chatd.called import chatd
from chatd.settings import Settings
from chatd.settings_load import load

if TYPE_CHECKING:
    from rooms.catalog import Catalog, RoomSpec
    from rooms.store_sql import Store

T = TypeVar("T")

NAMED: Final = (
    "host",
    "port",
    "data",
    "redis",
    "database",
    "workers",
    "public_url",
    "log_level",
    "log_format",
)
"""The options of a server that are settings under the same name."""


class CannotDo(Exception):
    """What was asked for cannot be done; the text says why, and what to do."""


def server_settings(options: Mapping[str, Any]) -> Settings:
    """The settings of a server, from the parameters of `serve` or `doctor` by their names (`locals()`)."""
    asked = {name: options[name] for name in NAMED}
    asked["open"] = options["open_"] or None
    return load(asked, pairs=options["others"] or (), config=options["config"])


def with_catalog(settings: Settings, use: "Callable[[Catalog], Awaitable[T]]") -> T:
    """Open the store, use its catalog once, close it."""
    return with_store(settings, lambda store: use(store.catalog))


def with_store(settings: Settings, use: "Callable[[Store], Awaitable[T]]") -> T:
    """Open the store, use it once, close it. A secret is not made: looking into a folder where nothing is
    kept does not make it one that a server seems to use (`its_secret`)."""
    from chatd.epochs.keystores import open_kept
    from chatd.folder import make_folder
    from rooms.store_sql import migrate

    make_folder(settings)

    async def once() -> T:
        await migrate(settings.store)
        store = await open_kept(settings)
        try:
            return await use(store)
        finally:
            await store.close()

    return asyncio.run(once())


def its_secret(settings: Settings) -> bytes:
    """The secret of the server whose data this is. `CannotDo` where there is none: with one that was made
    for the purpose, a link would be signed that no server takes."""
    from chatd.settings import SECRET_NAME, load_secret

    if settings.secret is None and not (settings.data / SECRET_NAME).exists():
        raise CannotDo(
            f"No server keeps its data in {settings.data.resolve()}. Start one there with "
            f"`{chatd()} serve`, or name its folder with --data."
        )
    return load_secret(settings)


def known_room(settings: Settings, name: str) -> "RoomSpec":
    """The room called so. `CannotDo` where there is none."""

    async def there(catalog: "Catalog") -> "RoomSpec | None":
        return await catalog.get(name)

    spec = with_catalog(settings, there)
    if spec is None:
        raise CannotDo(
            f"There is no room {name}. `{chatd()} room list` shows them, "
            f"`{chatd()} room add {name}` makes it."
        )
    return spec


def framed_by(words: list[str] | None) -> tuple[str, ...] | None:
    """Who may show a room in a frame, from what --embed was given; None is the deployment's own list."""
    from rooms.catalog import MAX_EMBED, is_origin

    if not words or words == ["default"]:
        return None
    if words == ["none"]:
        return ()
    origins = tuple(dict.fromkeys(word.rstrip("/") for word in words))
    if not all(map(is_origin, origins)) or len(origins) > MAX_EMBED:
        raise CannotDo(
            f"--embed takes origins like https://intranet.example.org: lower case, no path, no usual port, "
            f"{MAX_EMBED} at most; or `default`, or `none`."
        )
    return origins
