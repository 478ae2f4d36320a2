"""The tables, the same for SQLite and PostgreSQL. `migrations/` makes them; a test compares the two.

    rooms    one row per room that has a log: where it stands
    events   what happened, clustered by room, epoch and seq
    handles  who has which handle in an epoch; the owner is an HMAC under a key that is not here
    spent    tokens that were used once
    specs    the catalog
    series   sessions that are planned, as iCalendar text (`series_ical.py`)
    reports  what remains of a session, suppressed; exact counts beside it, sealed, until its month is made
    months   the same per calendar month
    debriefs what facilitators wrote for themselves, sealed; owner and slot are keyed hashes (`reports.py`)

`events` is an ordinary rowid table in SQLite on purpose: it only ever grows at its end, so SQLite
never moves a row from page to page, and what is overwritten is nowhere else in the file (measured: a
`WITHOUT ROWID` table left copies of 43 of 4,000 withdrawn texts behind, in spite of
`secure_delete`). `forgetting_sqlite.py` keeps it so when rows go.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite numbers rows by itself only where the type is exactly INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")

# Bytes are compared as bytes, whatever the database's locale: faster, and safe when libc changes.
Name = Text().with_variant(Text(collation="C"), "postgresql")

rooms = Table(
    "rooms",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", Name, nullable=False),
    Column("epoch", Name, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("tail", BigInteger, nullable=False),
    Column("rules_version", BigInteger, nullable=False),
    Column("rules", LargeBinary, nullable=False),
    Column("began_at", BigInteger),
    UniqueConstraint("name", name="rooms_by_name"),
)

events = Table(
    "events",
    metadata,
    Column("room_id", BigInteger, nullable=False),
    Column("epoch", Name, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Name, nullable=False),
    Column("handle", Name, nullable=False),
    Column("key", LargeBinary),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("room_id", "epoch", "seq", name="events_pkey"),
)

Index(
    "events_by_key",
    events.c.key,  # it holds the epoch, and begins with the time (`placing.digest_of`)
    events.c.handle,
    unique=True,
    sqlite_where=text("key IS NOT NULL"),
    postgresql_where=text("key IS NOT NULL"),
)

handles = Table(
    "handles",
    metadata,
    Column("room_id", BigInteger, nullable=False),
    Column("epoch", Name, nullable=False),
    Column("handle", Name, nullable=False),
    Column("owner", LargeBinary, nullable=False),
    PrimaryKeyConstraint("room_id", "epoch", "handle", name="handles_pkey"),
    UniqueConstraint("room_id", "epoch", "owner", name="handles_by_owner"),
)

spent = Table(
    "spent",
    metadata,
    Column("token", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("token", name="spent_pkey"),
)

Index("spent_by_expiry", spent.c.expires_at)

specs = Table(
    "specs",
    metadata,
    Column("name", Name, nullable=False),
    Column("spec", LargeBinary, nullable=False),
    PrimaryKeyConstraint("name", name="specs_pkey"),
)

series = Table(
    "series",
    metadata,
    Column("name", Name, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("ical", Text, nullable=False),
    PrimaryKeyConstraint("name", name="series_pkey"),
)

reports = Table(
    "reports",
    metadata,
    Column("room", Name, nullable=False),
    Column("occurrence", Name, nullable=False),
    Column("month", Name, nullable=False),
    Column("report", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    PrimaryKeyConstraint("room", "occurrence", name="reports_pkey"),
)

Index("reports_by_month", reports.c.month)

months = Table(
    "months",
    metadata,
    Column("month", Name, nullable=False),
    Column("programme", LargeBinary),
    Column("tally", LargeBinary),
    PrimaryKeyConstraint("month", name="months_pkey"),
)

debriefs = Table(
    "debriefs",
    metadata,
    Column("slot", LargeBinary, nullable=False),
    Column("owner", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("slot", name="debriefs_pkey"),
)

Index("debriefs_by_owner", debriefs.c.owner)
Index("debriefs_by_expiry", debriefs.c.expires_at)
