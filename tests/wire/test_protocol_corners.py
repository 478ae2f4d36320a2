"""The corners that `docs/protocol.md` tells of: each sentence stands there, and a real server keeps it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from chatd import wire
from tests.chatd.shared_server import shared_server
from tests.wire.test_protocol_doc import section

Frame: TypeAlias = dict[str, Any]
WITHIN_S: Final = 15.0


class Desk:
    """One person in one room, frame by frame. `t`, `id` and `room` are filled in."""

    def __init__(self, websocket: ClientConnection, room: str) -> None:
        self._websocket = websocket
        self._room = room
        self._last_id = 0

    async def hear(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The next frame that is `wanted`; the others are let go."""
        while not wanted(frame := json.loads(await self._websocket.recv())):
            pass
        found: Frame = frame
        return found

    async def do(self, command: str, /, **fields: Any) -> Frame:
        """Send a command; its answer."""
        self._last_id += 1
        asked = self._last_id
        await self._websocket.send(json.dumps({"t": command, "id": asked, "room": self._room, **fields}))
        return await self.hear(lambda frame: frame.get("id") == asked)

    async def say(self, kind: str) -> None:
        """Send a frame that is not answered."""
        await self._websocket.send(json.dumps({"t": kind, "room": self._room}))

    async def log(self) -> list[Frame]:
        events: list[Frame] = (await self.do("older", before=2**53 - 1))["events"]
        return events


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shared_server(tmp_path_factory.mktemp("server")) as url:
        yield url


@asynccontextmanager
async def seated(url: str, room: str) -> AsyncIterator[tuple[Desk, str]]:
    """A desk in the room, and the handle of who sits at it."""
    websocket_url = f"ws{url.removeprefix('http')}/ws"
    subprotocols = [Subprotocol(wire.JSON_SUBPROTOCOL)]
    async with asyncio.timeout(WITHIN_S), connect(websocket_url, subprotocols=subprotocols) as websocket:
        desk = Desk(websocket, room)
        yield desk, (await desk.do("join"))["handle"]


def told(title: str) -> str:
    """A section on one line."""
    return " ".join(section(title).split())


async def test_typing_comes_back(url: str) -> None:
    async with seated(url, "typing") as (desk, handle):
        await desk.say("typing")
        assert await desk.hear(lambda frame: frame["t"] == "typing") == {
            "t": "typing",
            "room": "typing",
            "handle": handle,
        }
    assert "It comes back to you" in told("`typing`: I am writing")


async def test_a_withdrawn_reaction_has_no_kind(url: str) -> None:
    async with seated(url, "kind") as (desk, _):
        await desk.do("post", key="a", text="hello")
        reaction = await desk.do("react", seq=1, kind="heard")
        assert (await desk.do("withdraw", seq=reaction["seq"]))["t"] == "ok"
        event = (await desk.log())[1]
        assert (event["t"], event["kind"], event["withdrawn"], event["target"]) == ("reacted", "", True, 1)
    assert "`withdrawn` is true and `kind` empty" in told("Events")


async def test_withdrawing_twice(url: str) -> None:
    async with seated(url, "twice") as (desk, _):
        await desk.do("post", key="a", text="hello")
        first = await desk.do("withdraw", seq=1)
        again = await desk.do("withdraw", seq=1)
        assert (first["t"], again["t"], again["seq"]) == ("ok", "ok", first["seq"])
        assert len(await desk.log()) == 2
    assert "The same again gets the first `seq`" in told("`withdraw`")


async def test_reacting_to_what_is_withdrawn(url: str) -> None:
    async with seated(url, "empty") as (desk, _):
        await desk.do("post", key="a", text="hello")
        await desk.do("withdraw", seq=1)
        assert (await desk.do("react", seq=1, kind="heard"))["t"] == "ok"
    assert "It may have been withdrawn" in told("`react`")


async def test_answering_a_place_to_come(url: str) -> None:
    async with seated(url, "ahead") as (desk, _):
        await desk.do("post", key="a", text="hello")
        for kind, fields in (
            ("post", {"key": "b", "text": "an answer", "reply_to": 2}),
            ("react", {"seq": 2, "kind": "heard"}),
            ("withdraw", {"seq": 2}),
        ):
            answer = await desk.do(kind, **fields)
            assert (answer["t"], answer["code"]) == ("error", "not_found"), kind
    words = (
        "A place that does not exist yet (`reply_to`, or `seq` in `react` and `withdraw`) gets `not_found`"
    )
    assert words in told("What a client sends")


async def test_the_same_key_with_other_text(url: str) -> None:
    async with seated(url, "key") as (desk, _):
        first = await desk.do("post", key="a", text="the first")
        again = await desk.do("post", key="a", text="another")
        assert (again["t"], again["seq"]) == ("ok", first["seq"])
        assert [event["text"] for event in await desk.log()] == ["the first"]
    assert "the new text is dropped" in told("Exactly once")
