"""The schema's history, for Alembic. `rooms/upgrade_sql.py` runs it; nothing else does."""
