"""When a room's epoch began: what an ordinary room's period is counted from."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("rooms", sa.Column("began_at", sa.BigInteger))
    # Of the epochs that there are nobody knows when they began. From now on they have a whole period.
    rooms = sa.table("rooms", sa.column("began_at", sa.BigInteger))
    op.execute(sa.update(rooms).values(began_at=int(time.time())))
