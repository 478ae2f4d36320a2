"""Answers to one connection: every refusal goes out here, in words, and is counted."""

from typing import Final

from chatd import wire
from chatd.connection import Connection
from chatd.hub import Hub
from chatd.metrics import Metrics
from chatd.wire import ErrorCode
from rooms.command import CommandId

RETRY_LOG_S: Final = 1.0
"""What somebody is told to wait while the log does not answer."""
SLACK_S: Final = 0.005
"""Rounding must not tell anybody to come a moment too early."""


class Answers:
    def __init__(self, hub: Hub, metrics: Metrics) -> None:
        self._hub = hub
        self._metrics = metrics

    def refuse(
        self,
        connection: Connection,
        id_: CommandId | None,
        code: ErrorCode,
        retry_after_s: float | None = None,
        more: str = "",
    ) -> None:
        """`error` for the command `id_`: `code` in words, and `more` about this very case."""
        self._metrics.refusals[code].add()
        message = f"{wire.MESSAGES[code]} {more}".rstrip()
        wait_s = None if retry_after_s is None else round(retry_after_s + SLACK_S, 2)
        self._hub.reply(connection.sink, wire.Error(id=id_, code=code, message=message, retry_after_s=wait_s))
