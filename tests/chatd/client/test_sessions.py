"""The client in a session: in the waiting line, shown what holds for it, put out. Against a real socket."""

import pytest

from chatd.client import Refused, SessionNow, connect
from tests.chatd.scripted import Peer, scripted

NOW = {"seq": 3, "now": 1_000, "phase": "open", "you": {"member": True}}


async def test_who_waits_asks_again_with_their_seat_until_there_is_a_place() -> None:
    asked: list[dict[str, object]] = []

    async def dialogue(peer: Peer) -> None:
        for place in (2, 1):
            join = await peer.expect("join")
            asked.append(join)
            waiting = {"t": "waiting", "id": join["id"], "room": join["room"], "place": place, "retry_s": 0}
            await peer.say({**waiting, "seat": f"seat-{place}", "handle": "calm-heron"})
        asked.append(await peer.seat(session=NOW, line="icu~line.abc", seat="seat-1"))

    async with scripted(dialogue) as url, connect(url) as client:
        room = await client.join("icu")
        assert [join.get("seat") for join in asked] == [None, "seat-2", "seat-1"]
        assert (room.place, room.session, room.line, room.staff) == (None, NOW, "icu~line.abc", None)


async def test_what_is_shown_of_a_session_takes_the_place_of_what_was() -> None:
    later = {**NOW, "phase": "winding_down"}

    async def dialogue(peer: Peer) -> None:
        await peer.seat(session=NOW)
        await peer.say({"t": "session", "room": "icu", **later})
        raised = await peer.expect("raise_hand")
        assert raised["up"] is True
        await peer.ok(raised, seq=4)
        asked = await peer.expect("ask_word")
        assert asked["key"]
        await peer.ok(asked)

    async with scripted(dialogue) as url, connect(url) as client:
        room = await client.join("icu")
        while not isinstance(await anext(room), SessionNow):
            pass
        assert (room.session or {})["phase"] == "winding_down"
        assert (await room.do("raise_hand", up=True)).seq == 4
        await room.do("ask_word")


async def test_who_is_put_out_does_not_come_back_by_itself() -> None:
    async def dialogue(peer: Peer) -> None:
        await peer.seat(session=NOW)
        await peer.say({"t": "put_out", "room": "icu", "code": "removed", "message": "No."})
        await peer.until_gone()

    async with scripted(dialogue) as url, connect(url) as client:
        room = await client.join("icu")
        with pytest.raises(Refused) as no:
            async for _ in room:
                pass
        assert no.value.code == "removed"


async def test_a_post_that_is_held_says_so() -> None:
    async def dialogue(peer: Peer) -> None:
        await peer.seat(session=NOW)
        await peer.ok(await peer.expect("post"), held=True)

    async with scripted(dialogue) as url, connect(url) as client:
        ok = await (await client.join("icu")).post("May I say this?")
        assert (ok.seq, ok.held) == (None, True)
