"""Series of sessions, as they are planned."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("name", NAME, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("ical", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="series_pkey"),
    )
