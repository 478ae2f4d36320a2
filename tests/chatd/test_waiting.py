"""A session's door: so many places, a fair line for the others, and nobody in who was put out."""

import pytest

from chatd.wire import ErrorCode
from rooms.session_events import Admitted
from tests.chatd.desk import Desk, Person, settles, story
from tests.chatd.hour import LOBBY_S, ROOM, Hour, carried
from tests.chatd.sessions.test_wire import handle, opened, shown


async def knocks(person: Person, **fields: str) -> dict[str, object]:
    """Join the session's room; the answer, whatever it is."""
    return await person.answer(person.says("join", ROOM, **fields))


async def lobby(desk: Desk, **plan: int) -> Hour:
    hour = Hour(desk)
    await hour.plan(in_minutes=12, **plan)
    await hour.reach(hour.starts_at - LOBBY_S)
    return hour


@story(ErrorCode.NOT_OPEN)
async def test_before_the_lobby_opens_one_hears_when_it_will(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=30)
    await desk.passes(2)
    anna = desk.connects("anna")
    refused = await anna.refused("join", ROOM)
    assert refused["code"] == "not_open"
    assert desk.wall() + refused["retry_after_s"] == pytest.approx(hour.starts_at - LOBBY_S, abs=2)
    assert (await hour.facilitator()).joined["role"] == "facilitator", "who runs it may look in"
    await desk.passes(refused["retry_after_s"] + 2)
    assert (await knocks(desk.connects("anna again")))["t"] == "joined"


@story()
async def test_who_comes_when_the_group_is_full_waits_in_line_and_gets_the_free_place(desk: Desk) -> None:
    hour = await lobby(desk, capacity=2)
    anna, ben = await hour.participant("anna"), await hour.participant("ben")
    carla, dora = desk.connects("carla"), desk.connects("dora")
    first, second = await knocks(carla), await knocks(dora)
    assert (first["t"], first["place"], first["retry_s"], second["place"]) == ("waiting", 1, 5, 2)
    assert (await carla.refused("post", ROOM, text="hello"))["code"] == "not_joined", "no seat yet"
    lead = await hour.facilitator()
    assert shown(lead)["staff"]["waiting"] == [first["handle"], second["handle"]]
    assert len((await hour.session()).members) == 2, "a facilitator takes nobody's place"

    await anna.asks("leave", ROOM)
    await settles()
    assert (await knocks(dora, seat=str(second["seat"])))["place"] == 2, "who came later still waits"
    came = await knocks(carla, seat=str(first["seat"]))
    assert (came["t"], came["handle"]) == ("joined", first["handle"])
    assert (await knocks(dora, seat=str(second["seat"])))["place"] == 1
    assert (await hour.session()).members == (handle(ben), first["handle"])


@story()
async def test_a_place_in_line_lapses_and_the_connection_of_who_asks_stays(desk: Desk) -> None:
    hour = await lobby(desk, capacity=2)
    anna, _ = await hour.participant("anna"), await hour.participant("ben")
    carla, dora = desk.connects("carla"), desk.connects("dora")
    await knocks(carla)
    place = await knocks(dora)
    for _ in range(8):
        await desk.passes(5)
        place = await knocks(dora, seat=str(place["seat"]))
    assert place["place"] == 1, "carla has not asked for long"
    assert dora.connected
    await anna.asks("leave", ROOM)
    await settles()
    assert (await knocks(dora, seat=str(place["seat"])))["t"] == "joined"


@story(ErrorCode.ROOM_FULL, ask_burst=100)
async def test_even_the_line_has_an_end(desk: Desk) -> None:
    hour = await lobby(desk, capacity=2)
    await hour.participant("anna")
    await hour.participant("ben")
    answers = [await knocks(desk.connects(f"w{n}")) for n in range(31)]
    assert [answer["t"] for answer in answers] == ["waiting"] * 30 + ["error"]
    assert answers[-1]["code"] == "room_full"


@story(nodes=2)
async def test_two_nodes_that_do_not_hear_each_other_never_let_in_one_too_many(desk: Desk) -> None:
    hour = await lobby(desk, capacity=5)
    people = [desk.connects(f"p{n}", desk.nodes[n % 2]) for n in range(12)]
    asked = [(person, person.says("join", ROOM)) for person in people]
    answers = [await person.answer(id_) for person, id_ in asked]
    session = await hour.session()
    inside = [answer["handle"] for answer in answers if answer["t"] == "joined"]
    waiting = sorted(answer["place"] for answer in answers if answer["t"] == "waiting")
    assert sorted(inside) == sorted(session.members)
    assert (len(inside), waiting) == (5, [1, 2, 3, 4, 5, 6, 7])


@story(ErrorCode.REMOVED, ErrorCode.ROOM_LOCKED, nodes=2)
async def test_who_was_removed_is_out_at_once_on_every_node_and_cannot_come_back(desk: Desk) -> None:
    _, lead, (ben, *_) = await opened(desk, people=3)
    ticket = desk.ticket(room=ROOM, subject="somebody")
    anna = await desk.comes("anna", desk.nodes[1], ROOM, ticket=ticket)
    window = await desk.comes("anna too", desk.nodes[0], ROOM, ticket=ticket)
    assert handle(window) == handle(anna)
    async with carried(desk):
        await anna.asks("accept", ROOM)
        await desk.passes(1)
        await lead.asks("restrict", ROOM, whose=handle(anna), limit="remove", rule="kindness")
        await desk.passes(1)
    for person in (anna, window):
        out = person.heard_all("put_out")
        assert [(frame["room"], frame["code"]) for frame in out] == [(ROOM, "removed")]
        assert (await person.refused("post", ROOM, text="but"))["code"] == "not_joined"
    assert not ben.heard_all("put_out")
    seat = anna.joined["seat"]
    assert (await anna.refused("join", ROOM, seat=seat))["code"] == "removed"
    drawn = await anna.asks("draw", ROOM, ticket=ticket)
    again = desk.connects("anna anew")
    refused = await again.refused("join", ROOM, ticket=ticket, offer=drawn["offer"])
    assert refused["code"] == "removed", "the same person has the same handle, whatever they draw"
    await lead.asks("restrict", ROOM, whose=handle(anna), limit="remove", on=False)
    assert (await knocks(again, ticket=ticket))["t"] == "joined"

    await lead.asks("lock", ROOM)
    assert (await desk.connects("late").refused("join", ROOM))["code"] == "room_locked"
    ben.lose_connection()
    assert (await ben.returns(desk.nodes[0]))["t"] == "joined", "who has a place keeps it"


@story()
async def test_a_link_that_was_used_takes_nobodys_place(desk: Desk) -> None:
    hour = await lobby(desk, capacity=2)
    once = desk.ticket(room=ROOM, once=True)
    assert (await knocks(desk.connects("anna"), ticket=once))["t"] == "joined"
    assert (await knocks(desk.connects("again"), ticket=once))["code"] == "ticket_spent"
    assert len((await hour.session()).members) == 1
    other = desk.ticket(room=ROOM, once=True)
    await hour.participant("ben")
    waits = desk.connects("carla")
    place = await knocks(waits, ticket=other)
    assert place["t"] == "waiting"
    assert (await knocks(desk.connects("again"), ticket=other))["code"] == "ticket_spent"
    assert (await knocks(waits, seat=str(place["seat"])))["place"] == 1
    assert (await hour.count(Admitted), len((await hour.session()).waiting)) == (2, 1)


@story()
async def test_one_link_in_two_windows_at_once_leaves_one_of_them_in(desk: Desk) -> None:
    hour = await lobby(desk, capacity=2)
    once = desk.ticket(room=ROOM, once=True, subject="somebody")
    windows = [desk.connects(f"window {n}") for n in range(2)]
    asked = [window.says("join", ROOM, ticket=once) for window in windows]
    answers = [await window.answer(id_) for window, id_ in zip(windows, asked, strict=True)]
    assert sorted(answer.get("code", "") for answer in answers) == ["", "ticket_spent"]
    await desk.passes(5)
    assert len((await hour.session()).members) == 1
    assert not [window for window in windows if window.heard_all("put_out")]
