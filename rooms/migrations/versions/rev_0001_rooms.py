"""Rooms, events, handles, spent tokens, specifications."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEYED = sa.text("key IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("epoch", NAME, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.Column("tail", sa.BigInteger, nullable=False),
        sa.Column("rules_version", sa.BigInteger, nullable=False),
        sa.Column("rules", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("name", name="rooms_by_name"),
    )
    op.create_table(
        "events",
        sa.Column("room_id", sa.BigInteger, nullable=False),
        sa.Column("epoch", NAME, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("handle", NAME, nullable=False),
        sa.Column("key", sa.LargeBinary),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "epoch", "seq", name="events_pkey"),
    )
    op.create_index(
        "events_by_key",
        "events",
        ["key", "handle"],
        unique=True,
        sqlite_where=KEYED,
        postgresql_where=KEYED,
    )
    op.create_table(
        "handles",
        sa.Column("room_id", sa.BigInteger, nullable=False),
        sa.Column("epoch", NAME, nullable=False),
        sa.Column("handle", NAME, nullable=False),
        sa.Column("owner", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "epoch", "handle", name="handles_pkey"),
        sa.UniqueConstraint("room_id", "epoch", "owner", name="handles_by_owner"),
    )
    op.create_table(
        "spent",
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("token", name="spent_pkey"),
    )
    op.create_index("spent_by_expiry", "spent", ["expires_at"])
    op.create_table(
        "specs",
        sa.Column("name", NAME, nullable=False),
        sa.Column("spec", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="specs_pkey"),
    )
