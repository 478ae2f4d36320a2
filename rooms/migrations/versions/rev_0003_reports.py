"""What remains of sessions: reports, months, debriefs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("room", NAME, nullable=False),
        sa.Column("occurrence", NAME, nullable=False),
        sa.Column("month", NAME, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("room", "occurrence", name="reports_pkey"),
    )
    op.create_index("reports_by_month", "reports", ["month"])
    op.create_table(
        "months",
        sa.Column("month", NAME, nullable=False),
        sa.Column("programme", sa.LargeBinary),
        sa.Column("tally", sa.LargeBinary),
        sa.PrimaryKeyConstraint("month", name="months_pkey"),
    )
    op.create_table(
        "debriefs",
        sa.Column("slot", sa.LargeBinary, nullable=False),
        sa.Column("owner", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("slot", name="debriefs_pkey"),
    )
    op.create_index("debriefs_by_owner", "debriefs", ["owner"])
    op.create_index("debriefs_by_expiry", "debriefs", ["expires_at"])
