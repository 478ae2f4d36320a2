"""A session for those whom no WebSocket reaches: by stream, by poll and by /send, on a real server."""

import time
from pathlib import Path

from chatd.node import Node
from tests.chatd.hour import LOBBY_S, MINUTE_S, ROOM, planned, room_of
from tests.chatd.whole import Frame, Whole, command, join, post, whole
from tests.fixtures.servers import until


async def lobby(chat: Whole) -> str:
    """A session whose lobby is open; the ticket of who runs it."""
    node: Node = chat.node
    series = planned(
        (time.time() + LOBBY_S // 2) // MINUTE_S * MINUTE_S, capacity=2, changed_at=int(time.time())
    )
    await node.series.add(series)
    await node.catalog.add(room_of(series))
    node.sessions.plans_changed()

    def running() -> bool:
        live = node.hub.live.get(ROOM)
        return live is not None and live.state.rules.session is not None

    await until(running, "the lobby is open")
    return node.tickets.issue(ROOM, "facilitator", expires_at=int(time.time()) + 600)


async def test_a_session_by_stream_and_by_poll(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat:
        ticket = await lobby(chat)
        async with chat.stream(join(ROOM, ticket=ticket)) as lead, chat.stream(join(ROOM)) as anna:
            leads, joined = await lead.until("joined"), await anna.until("joined")
            seat, line = joined["seat"], joined["line"]
            assert (joined["session"]["phase"], joined["kind"]) == ("lobby", "session")
            first = await chat.poll(join(ROOM))
            ben = first.joined

            async def says(who: str, frame: Frame) -> Frame:
                return (await chat.send(frame, seat=who))[0]

            assert (await says(seat, command("accept", ROOM)))["t"] == "ok"
            assert (await says(seat, command("move", ROOM, phase="open")))["code"] == "not_allowed"
            assert (await says(leads["seat"], command("move", ROOM, phase="open")))["t"] == "ok"
            while (await anna.until("session"))["phase"] != "open":
                pass

            # The group has two: the third waits, and their stream and poll end with it, like a refused one.
            async with chat.stream(join(ROOM)) as carla:
                waiting = await carla.until("waiting")
                assert waiting["place"] == 1
                assert [kind for kind, _ in await carla.rest()][-1] == "close"
            polled = await chat.poll(join(ROOM, seat=waiting["seat"]))
            assert [frame["t"] for frame in polled.frames] == ["waiting"]
            assert polled.close is not None
            assert (await says(waiting["seat"], post("hello", ROOM)))["code"] == "not_a_member"

            # A belonging room by stream and by /send, with the seat in the session's room.
            async with chat.stream(join(line, seat=seat)) as own:
                assert (await own.until("joined"))["handle"] == joined["handle"]
                assert (await says(leads["seat"], post("How are you?", line)))["t"] == "ok"
                assert (await own.until("posted"))["text"] == "How are you?"
                assert (await says(ben["seat"], post("let me in", line)))["code"] == "not_allowed"

                # What is private is a place without words, by poll too; who is put out hears it by stream.
                await says(leads["seat"], command("restrict", ROOM, whose=ben["handle"], limit="mute"))
                heard = first
                frames: list[Frame] = []
                while "moderated" not in {frame["t"] for frame in frames}:
                    heard = await chat.poll(join(ROOM), link=first.link, got=heard.n)
                    frames += heard.frames
                assert "restricted" not in {frame["t"] for frame in frames}
                assert (await says(ben["seat"], post("but", ROOM)))["code"] in ("muted", "not_accepted")
                restrict = command("restrict", ROOM, whose=joined["handle"], limit="remove", rule="kindness")
                await says(leads["seat"], restrict)
                assert (await anna.until("put_out"))["code"] == "removed"
                assert [kind for kind, _ in await anna.rest()][-1] == "close"
                assert (await own.until("told"))["what"] == "remove"
                for frame in (post("but", ROOM), command("older", ROOM, before=99)):
                    assert (await says(seat, frame))["code"] == "removed"
