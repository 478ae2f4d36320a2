"""Where this server's keys are, and its store opened with them: sealed at rest, each epoch under its own key.

files   DATA/keys: one machine, however many processes
redis   the memory of the Redis server: several machines, which share a PostgreSQL
"""

import time
from collections.abc import Callable
from functools import partial

from chatd.epochs.bodies import BodySealer
from chatd.epochs.master_key import load_masters
from chatd.settings import Settings, SettingsError
from rooms.keyring import Keyring
from rooms.keystore import KeyStore
from rooms.store_sql import Store, open_store


def where(settings: Settings) -> str:
    """`files` or `redis`."""
    if settings.keys is not None:
        return settings.keys
    return "redis" if settings.database is not None and settings.redis is not None else "files"


def open_keys(settings: Settings, clock: Callable[[], float] = time.time) -> KeyStore:
    """`SettingsError` where the master key cannot be had, or what is set does not fit together."""
    masters = partial(load_masters, settings)
    if where(settings) == "files":
        from chatd.epochs.keystore_files import FOLDER_NAME, FileKeyStore

        return FileKeyStore(settings.data / FOLDER_NAME, masters, clock)
    if settings.redis is None:
        raise SettingsError(["keys: `redis` needs the setting `redis`, the server to keep them in."])
    if settings.master_key is None:
        why = "must be set where keys are in Redis, the same on every machine; `openssl rand -base64 32`"
        raise SettingsError([f"master_key: {why} makes one. Keep it apart from Redis."])
    from chatd.epochs.keystore_redis import RedisKeyStore

    try:
        return RedisKeyStore(settings.redis, masters, clock)
    except ValueError as problem:
        raise SettingsError([f"redis: {problem}"]) from None


async def open_kept(settings: Settings, *, clock: Callable[[], float] = time.time) -> Store:
    """What this server keeps, with the keys to it. `LogError`, `SettingsError`."""
    keyring = Keyring(open_keys(settings, clock))
    return await open_store(settings.store, clock=clock, keyring=keyring, sealer=BodySealer(keyring))
