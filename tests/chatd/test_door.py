"""The door: which ticket, seat or offer lets whom in, and under which handle. Told at the node's desk."""

import asyncio
import time

import msgspec
import pytest

from chatd import seats
from chatd.door import KNOWN_S
from chatd.seats import Seats
from chatd.tickets import Tickets
from chatd.wire import ErrorCode
from presence.handles import FIRST, SECOND, SEPARATOR
from rooms.catalog import RoomSpec
from rooms.catalog_memory import MemoryCatalog
from rooms.log import Claim
from tests.chatd.desk import NAMED, ROOM, Desk, settles, story

__all__ = ["NAMED"]


# ---- tickets ---------------------------------------------------------------------------------------


@story(ErrorCode.TICKET_NEEDED, ErrorCode.TICKET_REFUSED, open=False)
async def test_a_room_that_is_not_open_asks_for_a_ticket_that_is_good(desk: Desk) -> None:
    await desk.adds(open=False)
    anna = desk.connects("anna")
    assert (await anna.refused("join"))["code"] == ErrorCode.TICKET_NEEDED
    for ticket in (
        "no ticket at all",
        desk.ticket(room="tea"),
        desk.ticket(expires_at=int(time.time()) - 3600),
        Tickets(b"\1" * 32).issue(ROOM, "participant", expires_at=int(time.time()) + 600),
    ):
        assert (await anna.refused("join", ticket=ticket))["code"] == ErrorCode.TICKET_REFUSED
    assert "role" not in await anna.asks("join", ticket=desk.ticket())
    assert (await desk.comes("who runs it", ticket=desk.ticket("facilitator"))).joined[
        "role"
    ] == "facilitator"


@story(ErrorCode.TICKET_REFUSED)
async def test_a_bad_ticket_opens_no_open_room_either(desk: Desk) -> None:
    """Whoever shows a ticket wants what it says, a role for example; nothing else is given silently."""
    anna = desk.connects("anna")
    assert (await anna.refused("join", ticket="none"))["code"] == ErrorCode.TICKET_REFUSED


@story(ErrorCode.TICKET_SPENT)
async def test_a_ticket_for_one_entry_is_good_for_one(desk: Desk) -> None:
    ticket = desk.ticket(once=True)
    anna, ben = await desk.comes("anna", ticket=ticket), desk.connects("ben")
    assert (await ben.refused("join", ticket=ticket))["code"] == ErrorCode.TICKET_SPENT
    assert desk.node.counts() == {ROOM: 1}
    anna.lose_connection()
    assert (await anna.returns(desk.node))["t"] == "joined", "one comes back by the seat"


@story(ErrorCode.TICKET_REFUSED, ErrorCode.TICKET_SPENT, open=False)
async def test_a_ticket_is_looked_at_before_anybody_reads_the_rules(desk: Desk) -> None:
    """And not used up by it: with `draw` it says what `join` would say."""
    await desk.adds(open=False)
    ticket = desk.ticket(once=True)
    anna, ben = desk.connects("anna"), desk.connects("ben")
    for _ in range(2):
        assert (await anna.asks("draw", ticket=ticket))["t"] == "drawn"
    for bad in ("no ticket at all", desk.ticket(room="tea"), desk.ticket(expires_at=int(time.time()) - 60)):
        assert (await anna.refused("draw", ticket=bad))["code"] == ErrorCode.TICKET_REFUSED
    drawn = await anna.asks("draw", ticket=ticket)
    assert (await anna.asks("join", ticket=ticket, offer=drawn["offer"]))["handle"] == drawn["handle"]
    assert (await ben.refused("draw", ticket=ticket))["code"] == ErrorCode.TICKET_SPENT
    assert (await ben.asks("draw", ticket=desk.ticket()))["t"] == "drawn"
    assert desk.log.asked["spend"] == 2, "the ticket, and by which entry"


@story(ErrorCode.TICKET_SPENT)
async def test_an_entry_whose_answer_was_lost_is_made_again_with_the_same_ticket(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that something holds back takes the answer with it, and the ticket was used."""
    ticket, person = desk.ticket(once=True), desk.ticket(once=True, subject="ben")
    anna, ben, eve = desk.connects("anna"), desk.connects("ben"), desk.connects("eve")
    for one, shown in ((anna, ticket), (ben, person)):
        offer = (await one.asks("draw", ticket=shown))["offer"]
        handle = (await one.asks("join", ticket=shown, offer=offer))["handle"]
        one.lose_connection()
        one.connect(desk.node)
        again = await one.asks("join", ticket=shown, offer=offer)
        assert again["handle"] == handle, "the same seat"
        # Nobody else has it by the ticket alone, nor with an offer of their own.
        others = (await eve.asks("draw"))["offer"]
        assert (await eve.refused("join", ticket=shown))["code"] == ErrorCode.TICKET_SPENT
        assert (await eve.refused("join", ticket=shown, offer=others))["code"] == ErrorCode.TICKET_SPENT
        assert desk.node.counts()[ROOM] == (1 if one is anna else 2)
    # And only for a while.
    monkeypatch.setattr("chatd.door.SAME_ENTRY_S", -2)
    late = desk.ticket(once=True)
    offer = (await eve.asks("draw", ticket=late))["offer"]
    await eve.asks("join", ticket=late, offer=offer)
    eve.lose_connection()
    eve.connect(desk.node)
    assert (await eve.refused("join", ticket=late, offer=offer))["code"] == ErrorCode.TICKET_SPENT


@story(ErrorCode.LOG_UNAVAILABLE)
async def test_a_ticket_that_cannot_be_looked_at_just_now_is_not_said_to_be_bad(desk: Desk) -> None:
    anna, ticket = desk.connects("anna"), desk.ticket(once=True)
    desk.log.breaks("spent")
    assert (await anna.refused("draw", ticket=ticket))["code"] == ErrorCode.LOG_UNAVAILABLE
    await anna.asks("join", ticket=ticket)


@story(ErrorCode.ROOM_FULL, ErrorCode.TOO_MANY_ROOMS, max_rooms_per_connection=1)
async def test_a_ticket_for_one_entry_is_not_used_up_where_there_is_no_place(desk: Desk) -> None:
    await desk.adds(capacity=1)
    await desk.adds("tea")
    ticket = desk.ticket(once=True)
    anna, ben = await desk.comes("anna"), desk.connects("ben")
    assert (await ben.refused("join", ticket=ticket))["code"] == ErrorCode.ROOM_FULL
    await anna.asks("leave")
    await ben.asks("join", "tea")
    assert (await ben.refused("join", ticket=ticket))["code"] == ErrorCode.TOO_MANY_ROOMS
    await ben.asks("leave", "tea")
    await ben.asks("join", ticket=ticket)


@story(ErrorCode.LOG_UNAVAILABLE, ErrorCode.BUSY, max_queue=1)
async def test_a_ticket_for_one_entry_is_not_used_up_by_a_log_that_fails(desk: Desk) -> None:
    ticket = desk.ticket(once=True)
    anna, ben = desk.connects("anna"), desk.connects("ben")
    for verb in ("open_room", "claim", "spend"):
        desk.log.breaks(verb)
        assert (await anna.refused("join", ticket=ticket))["code"] == ErrorCode.LOG_UNAVAILABLE
    with desk.log.holds("claim") as held:
        under_way = ben.says("join", "tea")
        await held.reached
        queued = ben.says("join", "cafe")
        await settles()
        assert (await anna.refused("join", ticket=ticket))["code"] == ErrorCode.BUSY
    assert {(await ben.answer(id_))["t"] for id_ in (under_way, queued)} == {"joined"}
    await anna.asks("join", ticket=ticket)


@story(ErrorCode.ROOM_FULL)
async def test_two_tickets_for_the_last_place_let_one_in_and_the_other_stays_good(desk: Desk) -> None:
    await desk.adds(capacity=1)
    people = [desk.connects("anna"), desk.connects("ben")]
    tickets = [desk.ticket(once=True) for _ in people]
    asked = [person.says("join", ticket=ticket) for person, ticket in zip(people, tickets, strict=True)]
    answers = [await person.answer(id_) for person, id_ in zip(people, asked, strict=True)]
    assert sorted(answer["t"] for answer in answers) == ["error", "joined"]
    assert desk.node.counts() == {ROOM: 1}


# ---- seats -----------------------------------------------------------------------------------------


@story(ErrorCode.SEAT_REFUSED, open=False)
async def test_a_seat_is_good_in_its_room_and_its_epoch_and_nowhere_else(desk: Desk) -> None:
    await desk.adds()
    await desk.adds("tea")
    anna = await desk.comes("anna")
    seat = anna.joined["seat"]
    ben = desk.connects("ben")
    for room, shown in (("tea", seat), (ROOM, seat[:-4] + "AAAA"), (ROOM, "none")):
        assert (await ben.refused("join", room, seat=shown))["code"] == ErrorCode.SEAT_REFUSED
    assert (await ben.asks("join", seat=seat))["handle"] == anna.joined["handle"]
    await desk.kept.erase(ROOM)
    await anna.refused("post", text="hello")
    assert (await anna.refused("join", seat=seat))["code"] == ErrorCode.SEAT_REFUSED
    assert (await anna.asks("join"))["epoch"] != anna.joined["epoch"] or anna.joined["seat"] != seat


@story(ErrorCode.SEAT_REFUSED, open=False)
async def test_a_ticket_beside_a_seat_says_whose_it_should_be(desk: Desk) -> None:
    """A page that is shown again shows both. Where somebody else has signed in, the seat is not theirs."""
    await desk.adds(open=False)
    anna = await desk.comes("anna", ticket=desk.ticket(subject="anna"))
    seat, page = anna.joined["seat"], desk.connects("page")
    theirs = desk.ticket(subject="ben")
    assert (await page.refused("join", seat=seat, ticket=theirs))["code"] == ErrorCode.SEAT_REFUSED
    assert (await page.asks("join", ticket=theirs))["handle"] != anna.joined["handle"]
    for ticket in (
        desk.ticket(subject="anna"),
        desk.ticket(),
        desk.ticket(room="tea", subject="ben"),
        "none",
    ):
        back = await desk.comes("the same page", seat=seat, ticket=ticket)
        assert back.joined["handle"] == anna.joined["handle"]
    once = desk.ticket(subject="anna", once=True)
    await desk.comes("reload", seat=seat, ticket=once)
    assert (await desk.comes("phone", ticket=once)).joined["handle"] == anna.joined["handle"], (
        "it was not used"
    )


@story(ErrorCode.SEAT_REFUSED)
async def test_a_seat_that_another_version_signed_is_refused_and_the_node_lives(desk: Desk) -> None:
    anna = await desk.comes("anna")
    issuer = Seats(desk.node.keyed.keyring)
    key = issuer._epoch(ROOM, anna.joined["epoch"]).seat
    for body in (("calm-otter", b"\0" * 16, "owner", 2**40), ("calm-otter",), "calm-otter", None):
        token = seats._seal(key, msgspec.msgpack.encode(body))
        assert (await anna.refused("join", seat=token))["code"] == ErrorCode.SEAT_REFUSED
    await anna.asks("post", text="still here")


@story(ErrorCode.SEAT_REFUSED, seat_s=60)
async def test_a_seat_is_renewed_whenever_it_is_shown(desk: Desk) -> None:
    anna = await desk.comes("anna", ticket=desk.ticket("facilitator"))
    issuer = Seats(desk.node.keyed.keyring)
    restored = issuer.restore(anna.joined["seat"], ROOM, anna.joined["epoch"], time.time())
    assert restored is not None
    assert (restored.handle, restored.role) == (anna.joined["handle"], "facilitator")
    assert 0 < restored.expires_at - time.time() <= 60
    old = issuer.issue(msgspec.structs.replace(restored, expires_at=int(time.time()) - 1))
    assert (await anna.refused("join", seat=old))["code"] == ErrorCode.SEAT_REFUSED


# ---- handles ---------------------------------------------------------------------------------------


@story()
async def test_one_subject_has_one_handle_in_a_room_and_another_in_the_next(desk: Desk) -> None:
    handles = [
        (await desk.comes(name, room=room, ticket=desk.ticket(room=room, subject="s1"))).joined["handle"]
        for name, room in (("phone", ROOM), ("ward pc", ROOM), ("elsewhere", "tea"))
    ]
    assert handles[0] == handles[1] != handles[2]
    assert desk.node.counts() == {ROOM: 1, "tea": 1}


@story()
async def test_an_offer_is_kept_and_a_bad_one_costs_nobody_their_place(desk: Desk) -> None:
    anna, ben = desk.connects("anna"), desk.connects("ben")
    drawn = await anna.asks("draw")
    elsewhere = await anna.asks("draw", "tea")
    assert (await anna.asks("join", offer=drawn["offer"]))["handle"] == drawn["handle"]
    assert (await ben.asks("join", offer=drawn["offer"]))["handle"] != drawn["handle"], "it is taken"
    for offer in (elsewhere["offer"], "none"):
        carla = await desk.comes("carla", offer=offer)
        assert carla.joined["handle"] != elsewhere["handle"]


@story()
async def test_where_all_words_are_taken_a_number_makes_a_handle(desk: Desk) -> None:
    head = await desk.kept.open_room(ROOM)
    taken = [f"{first}{SEPARATOR}{second}" for first in FIRST for second in SECOND]
    await desk.kept.claim(
        [Claim(ROOM, head.epoch, number.to_bytes(16), (handle,)) for number, handle in enumerate(taken)]
    )
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    first, second = anna.joined["handle"], ben.joined["handle"]
    assert first != second
    for handle in (first, second):
        pair, _, number = handle.rpartition("-")
        assert pair in taken
        assert 2 <= int(number) <= 9999


@story()
async def test_when_many_come_at_once_their_handles_are_claimed_together(desk: Desk) -> None:
    await desk.adds()
    people = [desk.connects(f"person {number}") for number in range(50)]
    asked = [(person, person.says("join")) for person in people]
    handles = {(await person.answer(id_))["handle"] for person, id_ in asked}
    assert len(handles) == 50
    assert desk.log.asked["claim"] <= 3
    assert desk.log.asked["open_room"] == 1


class AskedCatalog(MemoryCatalog):
    """A catalog that is a turn of the loop away, and counts how often it is asked for a room."""

    asked = 0

    async def get(self, name: str) -> RoomSpec | None:
        self.asked += 1
        await asyncio.sleep(0)
        return await super().get(name)


@pytest.mark.parametrize("made", [True, False])
@story()
async def test_a_crowd_before_the_door_asks_the_catalog_once(desk: Desk, made: bool) -> None:
    desk.catalog = catalog = AskedCatalog()
    if made:
        await desk.adds()
    node = await desk.boot()
    people = [desk.connects(f"person {number}", node) for number in range(20)]
    for person, id_ in [(person, person.says("join")) for person in people]:
        await person.answer(id_)
    await desk.passes(KNOWN_S / 2)
    await desk.comes("one more", node)
    assert catalog.asked == 1
    await desk.passes(KNOWN_S)
    await desk.comes("one more, later", node)
    assert catalog.asked == 2


@story(ErrorCode.UNKNOWN_ROOM, open=False)
async def test_a_room_that_was_asked_for_too_soon_is_there_as_soon_as_it_is_made(desk: Desk) -> None:
    anna = desk.connects("anna")
    assert (await anna.refused("join"))["code"] == ErrorCode.UNKNOWN_ROOM
    await desk.adds()
    await anna.asks("join")


@pytest.mark.parametrize("name", ["kind", "title"])
@story(open=False)
async def test_what_the_catalog_says_of_a_room_is_what_joined_says(desk: Desk, name: str) -> None:
    await desk.adds(title="The night shift", kind="session")
    expected = {"kind": "session", "title": "The night shift"}
    assert (await desk.comes("anna")).joined[name] == expected[name]
