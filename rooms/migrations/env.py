"""What Alembic calls: it runs the revisions on the connection that `rooms/upgrade_sql.py` hands over."""

from alembic import context

from rooms.schema_sql import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
