"""Every setting there is, in one place. How they come together is in `settings_load.py`.

Secrets are never shown: not in `repr`, not in an error. Touches nothing, except that
`load_secret` makes DATA/secret once, and `renew_secret` another.
"""

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from chatd.issuers import TicketIssuer

SECRET_NAME: Final = "secret"
STORE_NAME: Final = "chatd.db"
SECRET_BYTES: Final = 32

Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=3600)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=10_000_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one server runs with. The same value goes to every worker."""

    # -- where --
    host: Annotated[str, Meta(min_length=1, max_length=253)] = "127.0.0.1"
    """The address to listen on. 127.0.0.1 is this machine only; 0.0.0.0 is everyone who can reach it."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    """The TCP port; 0 takes a free one and prints it."""
    public_url: str | None = None
    """How people reach this server, where a proxy stands before it: https://chat.example.org"""
    origins: tuple[str, ...] = ()
    """Further origins whose pages may open a socket here; the server's own is always allowed."""

    embed_origins: tuple[str, ...] = ()
    """Origins whose pages may show rooms in a frame; a room may have its own list (`chatd room edit`)."""
    sign_in_url: str | None = None
    """The intranet's page that makes tickets, `{room}` in it being the room's name. It sends people back to
    /signed-in#ticket=..."""

    # -- what is kept, and where --
    data: Path = Path("data")
    """The folder with everything that is kept: log, rooms, secret."""
    database: str | None = None
    """None: SQLite in the data folder. postgresql://user:password@host/name for several machines."""
    redis: str | None = None
    """redis://, rediss:// or unix://: the server that carries hints between processes. None: one process."""
    secret: str | None = None
    """32 bytes in base64, the root of tickets and seats. None: DATA/secret, made at the first start."""

    keys: Literal["files", "redis"] | None = None
    """Where the key of each session is kept: in DATA/keys, or in the memory of the Redis server (several
    machines). None: in Redis where there is a `database` and a `redis`."""
    master_key: str | None = None
    """32 bytes in base64, what these keys are wrapped under; a second one after a space only unwraps. None:
    DATA/master, made at the first start."""

    # -- who else says who may come in --
    ticket_issuers: tuple[TicketIssuer, ...] = ()
    """Intranets whose tickets open rooms here, a TOML table each (docs/embedding.md)."""
    ticket_max_s: Annotated[int, Meta(ge=30, le=24 * 3600)] = 900
    """The longest life of such a ticket, in seconds; one that lives longer is refused."""

    # -- staff passes (docs/staff-pass.md) --
    pass_issuer: str | None = None
    """Where staff passes are given, if not here: https://pass.example.org, a `chatd issuer`."""
    pass_keys: str | None = None
    """That issuer's public keys, as a file (a path in the data folder) or a URL. None: it is asked."""
    pass_rooms: tuple[str, ...] = ()
    """For `chatd issuer`: the rooms that it gives passes for, by their names."""
    pass_period_s: Annotated[int, Meta(ge=3600, le=31 * 24 * 3600)] = 24 * 3600
    """How long passes of one kind are good: one per person, room and period. For whoever gives them."""
    pass_wait_s: Annotated[int, Meta(ge=0, le=3600)] = 60
    """The longest that the page waits between asking for a pass and showing it, in seconds."""

    # -- single sign-on (docs/operations.md#single-sign-on) --
    oidc_issuer: str | None = None
    """The OpenID Connect provider, exactly as it calls itself: https://login.example.org/realms/hospital"""
    oidc_client_id: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    """What the provider calls this server."""
    oidc_client_secret: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    """How this server proves to the provider that it is the one. None: a public client, by PKCE alone."""
    oidc_client_secret_file: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    """The file with that secret, instead. A path that does not begin with / is one in the data folder."""
    oidc_scopes: tuple[str, ...] = ()
    """What is asked of the provider besides openid, where it tells groups only to who asks for them."""
    oidc_groups_claim: Annotated[str, Meta(min_length=1, max_length=256)] = "groups"
    """The claim of the ID token with the names of somebody's groups, or the way to it: realm_access.roles"""
    oidc_facilitator_groups: tuple[str, ...] = ()
    """Groups whose members are facilitators, in every room. None named: nobody is by signing in."""
    sign_in_s: Annotated[int, Meta(ge=300, le=12 * 3600)] = 8 * 3600
    """How long a sign-in lasts, in seconds, unless the browser is closed before."""

    # -- sessions --
    templates: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    """A folder with session templates of your own, *.toml. A path that does not begin with / is one in the
    data folder."""

    # -- how long what is said is kept --
    renew_at: str = "05:00"
    """The time of day at which drop-in rooms begin anew: what was said is erased, and handles are new."""
    renew_zone: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    """The zone of that time, such as Europe/Berlin. None: that of this machine's clock."""

    # -- how it runs --
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    """Processes that share the port. More than one needs `redis`."""
    open: bool = False
    """Anybody may join any room name without a ticket. For trying out and load tests."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is logged."""
    log_format: Literal["console", "json"] = "console"
    """For a person at the terminal, or one JSON object per line."""
    drain_s: Annotated[float, Meta(ge=0, le=3600)] = 10.0
    """Over how long SIGTERM spreads the goodbyes, so that reconnects do not come all at once."""

    # -- bounds: connections --
    max_connections: Count = 20_000
    """Connections per process; one more is told to come back after a while."""
    max_connections_per_seat: Count = 8
    """Windows and devices that may share one seat."""
    max_rooms_per_connection: Count = 32
    """Rooms that one connection may sit in."""
    join_timeout_s: Seconds = 15.0
    """How long a connection may stay without joining a room."""
    handshake_timeout_s: Seconds = 10.0
    """How long a connection may take over its handshake."""
    ping_interval_s: Seconds = 20.0
    """How often a silent connection is asked whether it is there."""
    ping_timeout_s: Seconds = 20.0
    """How long the answer may take."""
    stream_comment_s: Annotated[float, Meta(gt=0, le=30)] = 15.0
    """How often an event stream says something, so that no proxy takes it for dead; or a page, after 35 s."""
    poll_park_s: Seconds = 30.0
    """How long a member who polls may stay away between two polls before they count as gone."""
    max_buffer_bytes: Annotated[int, Meta(ge=64 * 1024, le=1 << 30)] = 1 << 20
    """What may wait unread for one connection before it is cut, to come back with `after`."""

    # -- bounds: what people send --
    post_burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 10
    """Posts a seat may send at once, after a pause."""
    post_per_s: Annotated[float, Meta(ge=0, le=1_000_000)] = 2.0
    """Posts per second a seat may keep up; 0 sets no limit (load tests)."""
    react_burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    """Reactions, withdrawals and other small commands a seat may send at once."""
    react_per_s: Annotated[float, Meta(ge=0, le=1_000_000)] = 5.0
    """Small commands per second a seat may keep up; 0 sets no limit."""
    ask_burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    """Joins, drawn handles and pages of history that one connection may ask for at once."""
    ask_per_s: Annotated[float, Meta(ge=0, le=1_000_000)] = 2.0
    """Such requests per second that one connection may keep up; 0 sets no limit."""
    typing_every_s: Seconds = 3.0
    """At most one "is typing" per seat is passed on in this time."""
    max_queue: Count = 20_000
    """Posts that may wait for a commit; one more is answered `busy`."""

    # -- bounds: what people get --
    capacity: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    """People in a room that has no capacity of its own (rooms that `open` makes)."""
    history_events: Annotated[int, Meta(ge=0, le=1000)] = 50
    """The last events that a newcomer sees."""
    recover_events: Annotated[int, Meta(ge=0, le=100_000)] = 1000
    """The longest gap that is filled for somebody who comes back; beyond it is a clean start."""
    seat_s: Annotated[int, Meta(ge=60, le=30 * 24 * 3600)] = 24 * 3600
    """How long a seat can be taken up again after it was last shown, in seconds."""

    # -- what remains of sessions --
    report_months: Annotated[int, Meta(ge=1, le=120)] = 13
    """How many months the reports of sessions and months are kept: counts only."""
    debrief_months: Annotated[int, Meta(ge=2, le=24)] = 6
    """How many months what a facilitator wrote for themselves is kept."""

    def __repr__(self) -> str:
        shown = (
            f"{field}={'***' if field in SECRET_FIELDS and value is not None else value!r}"
            for field, value in msgspec.structs.asdict(self).items()
        )
        return f"Settings({', '.join(shown)})"

    __str__ = __repr__

    @property
    def store(self) -> str | Path:
        """Where the log and the rooms are kept, as `rooms.store_sql` takes it."""
        return self.database or self.data / STORE_NAME

    @property
    def url(self) -> str:
        """How people reach this server, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  a name, no bind
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


SECRET_FIELDS: Final = frozenset({"secret", "master_key", "redis", "database", "oidc_client_secret"})
"""Never shown: the secret itself, and URLs that may carry a password."""


class SettingsError(Exception):
    """The settings cannot be used. `problems`: one sentence each, with the setting's name."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def encode(settings: Settings) -> bytes:
    """As JSON, secrets included: for a worker's stdin and nothing else."""
    return msgspec.json.encode(settings, enc_hook=str)  # only `data`, a path, needs the hook


def decode(raw: bytes) -> Settings:
    """What `encode` made."""
    return msgspec.json.decode(raw, type=Settings, dec_hook=lambda kind, value: kind(value))


def load_secret(settings: Settings) -> bytes:
    """The 32 bytes at the root of tickets and seats.

    From the setting, else from DATA/secret, which is made (mode 0600) where it is missing. Safe
    to call in several processes at once: all get the same bytes. `SettingsError` where the file
    is not what this function wrote.
    """
    if settings.secret is not None:
        return base64.b64decode(settings.secret)
    path = settings.data / SECRET_NAME
    try:
        if not path.exists():
            _create_secret(path)
        raw = path.read_bytes()
        if len(raw) > 4 * SECRET_BYTES:
            raise ValueError
        secret = base64.b64decode(raw.strip(), validate=True)
        if len(secret) != SECRET_BYTES:
            raise ValueError
    except OSError as error:
        raise SettingsError([f"secret: {path} cannot be used: {error.strerror}."]) from None
    except ValueError:
        raise SettingsError(
            [f"secret: {path} does not hold 32 bytes in base64. Restore it from a backup."]
        ) from None
    return secret


def renew_secret(settings: Settings) -> None:
    """Another DATA/secret, so that seats and tickets from before are void. One from a setting stays."""
    if settings.secret is None:
        with _new_secret(settings.data / SECRET_NAME) as draft:
            draft.replace(settings.data / SECRET_NAME)


def _create_secret(path: Path) -> None:
    """Whole or not at all, and by one process only: a link to a finished file either wins or loses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _new_secret(path) as draft, suppress(FileExistsError):  # the first one's secret is the one
        os.link(draft, path)


@contextmanager
def _new_secret(path: Path) -> Iterator[Path]:
    """A file beside `path` with 32 random bytes, on the disk; gone afterwards unless it was moved."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(SECRET_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
