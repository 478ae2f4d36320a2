"""The files of web/, as they go over HTTP: read once at the start, served from memory.

Only what was found at the start can be asked for, so no path leads anywhere else and there is
no listing. Everything has an ETag; what the pages refer to as /static/... is rewritten to
/static/VERSION/..., where VERSION is a digest of all files, and may be kept for a year.
Inside a file other files are named by relative paths, so one version never mixes with another.

A page's scripts go out as one file, and its style sheets as another (`bundles.py`), without comments and
indentation, which would be 40 % of a first visit's load. Nothing else changes: names and statements are those
of web/ (`tests/test_page_units.py` compares). Each script is there by itself too, for who imports it.

A page is there once for each language, with its sentences filled in (`languages.py`); which one is sent,
its address or the browser's preference says.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chatd.bundles import Bundler, lean
from chatd.languages import Languages

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served; a file of any other kind is not there."""

PACKED: Final = frozenset({".png", ".woff2", ".ico"})
"""Compressed already."""
MIN_GZIP_BYTES: Final = 600
MAX_FILE_BYTES: Final = 4 << 20
MAX_FILES: Final = 2_000
BUNDLES: Final = "in/"
"""Under it, and the page's name, are its scripts and styles in one file each."""

FOREVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"

_VERSIONED: Final = re.compile(r"\A([0-9a-f]{16})/(.+)\Z")


class File(msgspec.Struct, frozen=True):
    """One file, ready to send, plain and (where that is smaller) gzipped."""

    body: bytes
    packed: bytes | None
    etag: str
    media_type: str


class Pages:
    """All files under `root`. `version` changes when any of them does."""

    def __init__(self, root: Path) -> None:
        self.languages = Languages(root)
        found = {name: path.read_bytes() for name, path in _found(root)} | dict(self.languages.modules())
        made = _made(tuple(sorted(found.items())))
        self._bundler = made.bundler
        self.version: Final = made.version
        versioned = f"/static/{self.version}/".encode()
        self._files = dict(made.files)
        self._older: dict[str, File] = {}
        """Of those files, what a page of another version gets, once one has asked."""
        self._pages: dict[str, dict[str, File]] = {
            name: {
                code: _ready(name, self.languages.filled(page, code).encode().replace(b"/static/", versioned))
                for code in self.languages.all
            }
            for name, page in made.pages.items()
        }

    def __contains__(self, name: str) -> bool:
        return name in self._files or name in self._pages

    def with_more(self, name: str, page: str, also: Sequence[str]) -> Callable[[bytes], bytes]:
        """What turns `page` into one whose first script brings the modules `also` along; `name` is its name
        among the bundles. To be called before anything is served."""
        entries = self._bundler.entries(page)
        made = self._bundler.of_page(f"{BUNDLES}{name}/", entries, also)
        self._files |= {path: _ready(path, text.encode()) for path, text in made.items()}
        plain = f"{BUNDLES}{Path(page).stem}/"
        named = [(f"/{plain}{one}".encode(), f"/{BUNDLES}{name}/{one}".encode()) for one in entries]

        def edit(body: bytes) -> bytes:
            for before, after in named:
                body = body.replace(before, after)
            return body

        return edit

    def alone(self, name: str) -> bytes:
        """The script `name` and all it imports in one, for a page of others."""
        return self._bundler.alone(name, name).encode()

    def names(self) -> Sequence[str]:
        """Everything that is there under /static/."""
        return sorted(self._files)

    def static(self, request: Request, name: str) -> Response | None:
        """The answer for /static/{name}; None where there is no such file. Pages are not static."""
        versioned = _VERSIONED.match(name)
        name = self.path(name)
        if name not in self._files:
            return None
        if versioned is not None and versioned[1] == self.version:
            return self._answer(request, self._files[name], FOREVER)
        return self._answer(request, self._for_older(name), ASK_AGAIN)

    def _for_older(self, name: str) -> File:
        """The file for a page that was loaded before the server was updated."""
        if name not in self._older:
            whole = self._bundler.for_older(name)
            self._older[name] = self._files[name] if whole is None else _ready(name, whole.encode())
        return self._older[name]

    @staticmethod
    def path(name: str) -> str:
        """The file's own path within web/, of what is asked for as /static/{name}."""
        versioned = _VERSIONED.match(name)
        return versioned[2] if versioned else name

    def page(
        self,
        request: Request,
        name: str,
        *,
        status: int = 200,
        edit: Callable[[bytes], bytes] | None = None,
    ) -> Response:
        """The page in the file `name`, as it is or as `edit` makes it, in the language of the request.
        `KeyError` where web/ has none."""
        if name in self._files:
            return self._answer(request, _edited(name, self._files[name], edit), ASK_AGAIN, status=status)
        language = self.languages.of(request)
        file = _edited(name, self._pages[name][language], edit)
        answer = self._answer(request, file, ASK_AGAIN, status=status)
        answer.headers["content-language"] = language
        answer.headers["vary"] = "accept-encoding, accept-language"
        return answer

    def say(self, request: Request, key: str) -> str:
        """The sentence "catalogue.name" in the language of the request."""
        return self.languages.say(self.languages.of(request), key)

    def _answer(self, request: Request, file: File, cache: str, *, status: int = 200) -> Response:
        packed = file.packed is not None and _takes_gzip(request.headers.get("accept-encoding", ""))
        body = file.packed if packed and file.packed is not None else file.body
        etag = f'"{file.etag}-gz"' if packed else f'"{file.etag}"'
        headers = {"cache-control": cache, "etag": etag, "vary": "accept-encoding"}
        if status == 200 and etag in _etags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if packed:
            headers["content-encoding"] = "gzip"
        return Response(body, status_code=status, headers=headers, media_type=file.media_type)


class Made(msgspec.Struct, frozen=True):
    """What is served, before anything is known of languages."""

    version: str
    files: Mapping[str, File]
    pages: Mapping[str, str]
    bundler: Bundler


@lru_cache(maxsize=2)
def _made(found: tuple[tuple[str, bytes], ...]) -> Made:
    """Kept, for a process that makes its application more than once."""
    texts = {name: body.decode() for name, body in found if name.endswith((".js", ".css", ".html"))}
    raw = {name: _lean(name, body) for name, body in found}
    bundler = Bundler(texts)
    pages: dict[str, str] = {}
    for name in (name for name in texts if name.endswith(".html")):
        pages[name], bundles = bundler.page(f"{BUNDLES}{Path(name).stem}/", name)
        raw |= {path: text.encode() for path, text in bundles.items()}
    digest = hashlib.sha256()
    for name, body in sorted(raw.items()):
        digest.update(f"{name}\0{len(body)}\0".encode() + body)
    files = {name: _ready(name, body) for name, body in raw.items() if not name.endswith(".html")}
    return Made(digest.hexdigest()[:16], files, pages, bundler)


def _edited(name: str, file: File, edit: Callable[[bytes], bytes] | None) -> File:
    return file if edit is None else _ready(name, edit(file.body))


def _found(root: Path) -> list[tuple[str, Path]]:
    found = [
        (path.relative_to(root).as_posix(), path)
        for path in sorted(root.rglob("*"))
        if path.suffix in TYPES
        and path.is_file()
        and not path.is_symlink()
        and not any(
            part.startswith((".", "_")) or part == "node_modules" for part in path.relative_to(root).parts
        )
        and path.stat().st_size <= MAX_FILE_BYTES
    ]
    return found[:MAX_FILES]


def _lean(name: str, body: bytes) -> bytes:
    return lean(body.decode()).encode() if name.endswith(".js") else body


def _ready(name: str, body: bytes) -> File:
    suffix = "." + name.rpartition(".")[2]
    packed = None
    if suffix not in PACKED and len(body) >= MIN_GZIP_BYTES:
        packed = gzip.compress(body, 9, mtime=0)
    return File(
        body=body,
        packed=packed if packed is not None and len(packed) < len(body) else None,
        etag=hashlib.sha256(body).hexdigest()[:24],
        media_type=TYPES[suffix],
    )


def _takes_gzip(accept: str) -> bool:
    """Whether `gzip` is named and not with q=0 (RFC 9110 section 12.5.3)."""
    for part in accept[:500].lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _etags(if_none_match: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in if_none_match[:2000].split(",")}
