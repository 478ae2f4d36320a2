"""The times that are promised, and the one that is not: what the tests with real processes hold to."""

from typing import Final

SLACK_S: Final = 1.0
"""What a machine with two busy cores may add to a promised time. It is no part of any promise."""
LOG_WAY_S: Final = 1.0
"""Promised: while Redis is away, what one worker acked reaches the others within this."""
PRESENCE_S: Final = 2.0
"""Promised: who comes and who goes is shown within this."""
DEAD_WORKER_S: Final = 15.0
"""Promised: whom a dead worker held, and who did not come back, is gone within this."""
PATIENCE_S: Final = 60.0
"""For what is promised without a time. Long, because it says nothing about speed."""
