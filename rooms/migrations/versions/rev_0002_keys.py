"""The index of keys begins with the key: what is said in the same minute lies together, in whatever room.

With the room and the handle before it every message touched a page of its own, which each commit
then had to write. An epoch is part of the key's digest, so the index need not name it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEYED = sa.text("key IS NOT NULL")


def upgrade() -> None:
    op.drop_index("events_by_key", "events")
    op.create_index(
        "events_by_key",
        "events",
        ["key", "handle"],
        unique=True,
        sqlite_where=KEYED,
        postgresql_where=KEYED,
    )
