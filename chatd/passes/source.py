"""Where a room server reads the public keys of an issuer that is not its own: a file, or the issuer itself.

It asks only where the operator has named an issuer: the same few bytes for everybody, every few minutes, with
nothing in the request of anybody. Touches that file or URL, in a thread.
"""

import asyncio
from pathlib import Path
from typing import Final

from chatd.passes.keys import MAX_DOCUMENT_BYTES, PATH
from chatd.settings import Settings
from chatd.sign_in.http import Away, fetch

OK: Final = 200


class NotRead(Exception):
    """The keys cannot be read from there just now."""


def source_of(settings: Settings) -> str | None:
    """A URL or a path; None where this server is the issuer itself."""
    if settings.pass_issuer is None:
        return None
    return settings.pass_keys or f"{settings.pass_issuer.rstrip('/')}{PATH}"


async def read_source(settings: Settings, source: str) -> bytes:
    """`NotRead`."""
    if "://" in source:
        return await asyncio.to_thread(_fetched, source)
    return await asyncio.to_thread(_read, settings.data / source)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise NotRead(f"The file with the issuer's keys cannot be read: {error.strerror}.") from None


def _fetched(url: str) -> bytes:
    try:
        fetched = fetch(url)
    except Away:
        raise NotRead("The issuer does not answer.") from None
    if fetched.status != OK:
        raise NotRead(f"The issuer answers {fetched.status}.")
    return fetched.body
