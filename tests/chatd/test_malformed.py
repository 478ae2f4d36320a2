"""What a server answers to frames that are no commands."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect

from chatd.wire import JSON_SUBPROTOCOL
from tests.fixtures.servers import Server


@pytest.fixture
async def socket_(server: Server) -> AsyncIterator[ClientConnection]:
    offered = [JSON_SUBPROTOCOL]
    async with connect(server.ws_url, subprotocols=offered, proxy=None) as opened:  # type: ignore[arg-type]  # a NewType of str
        yield opened


async def test_a_command_with_a_wrong_field_is_answered_under_its_id(socket_: ClientConnection) -> None:
    """Its sender waits for an answer, and could not tell whom one without an id is for."""
    answers = []
    for frame in ({"t": "leave", "id": "a-1", "room": "NO"}, {"t": "draw", "room": "icu"}):
        await socket_.send(json.dumps(frame))
        async with asyncio.timeout(10):
            answers.append(json.loads(await socket_.recv()))
    assert [(answer["code"], answer.get("id")) for answer in answers] == [
        ("bad_frame", "a-1"),
        ("bad_frame", None),
    ]
