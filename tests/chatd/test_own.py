"""What is somebody's own: counted as it stands, and taken back at once, in every room of a session too."""

from typing import Any, Final

from chatd.own import READ
from chatd.wire import ErrorCode
from rooms.events import Posted, Reacted
from rooms.periods import DAY_S
from tests.chatd.desk import ROOM, Desk, Person, story
from tests.chatd.hour import ROOM as HOUR
from tests.chatd.hour import Hour

LIMITLESS: Final[dict[str, Any]] = {"post_per_s": 0, "react_per_s": 0, "ask_per_s": 0}


async def mine(person: Person, room: str = ROOM) -> dict[str, Any]:
    """Without what is the same for everybody."""
    said = dict(await person.asks("mine", room))
    for name in ("t", "id", "room", "handle", "erase_at", "kept_s", "since"):
        said.pop(name, None)
    return said


@story(**LIMITLESS)
async def test_what_is_kept_of_somebody_is_counted_and_nobody_elses(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    assert await mine(anna) == {}
    first = (await anna.asks("post", text="one"))["seq"]
    await ben.asks("post", text="and I")
    await anna.asks("post", text="two")
    await anna.asks("react", seq=2, kind="me_too")
    await anna.asks("withdraw", seq=first)
    assert await mine(anna) == {"posts": 1, "reactions": 1, "withdrawn": 1}
    assert await mine(ben) == {"posts": 1}
    said = await anna.asks("mine")
    assert said["kept_s"] == DAY_S
    assert 0 < said["erase_at"] - desk.wall() <= DAY_S
    assert said["erase_at"] % 60 == 0, "a room begins anew at a full minute, which is what people are told"
    assert said["since"] % 60 == 0


@story(nodes=2, **LIMITLESS)
async def test_everything_of_ones_own_is_taken_back_on_all_nodes_and_nothing_else(desk: Desk) -> None:
    anna = await desk.comes("anna")
    ben = await desk.comes("ben", desk.nodes[1])
    await ben.asks("post", text="stays")
    many = READ + 20
    for number in range(many):
        await anna.asks("post", text=f"line {number}")
    await anna.asks("react", seq=1, kind="heard")
    assert (await anna.asks("withdraw_all"))["count"] == many + 1
    assert await mine(anna) == {"withdrawn": many + 1}
    assert (await anna.asks("withdraw_all"))["count"] == 0, "once is enough"
    head = await desk.kept.open_room(ROOM)
    kept = await desk.kept.since(ROOM, head.epoch, 0, 10_000)
    texts = [event.text for event in kept if isinstance(event, Posted)]
    assert texts == ["stays", *[""] * many]
    assert [event.kind for event in kept if isinstance(event, Reacted)] == [""]
    desk.network.deliver_all()
    await desk.passes(3)
    assert len(ben.heard_all("withdrawn")) == many + 1


@story(nodes=2, **LIMITLESS)
async def test_what_this_node_has_not_heard_of_yet_is_taken_back_too(desk: Desk) -> None:
    """Said in a window on another node a moment ago, while the bus is slow."""
    await desk.adds(open=False)
    ticket = desk.ticket(subject="p-17")
    anna = await desk.comes("anna", ticket=ticket)
    also = await desk.comes("anna on her phone", desk.nodes[1], ticket=ticket)
    await also.asks("post", text="I should not have said that")
    assert (await anna.asks("withdraw_all"))["count"] == 1
    assert await mine(also) == {"withdrawn": 1}


@story(ErrorCode.LOG_UNAVAILABLE, **LIMITLESS)
async def test_what_breaks_in_the_middle_goes_on_when_it_is_asked_again(desk: Desk) -> None:
    anna = await desk.comes("anna")
    for number in range(READ + 5):
        await anna.asks("post", text=f"line {number}")
    desk.log.breaks("append", after=True)
    await anna.refused("withdraw_all")
    again = await anna.asks("withdraw_all")
    assert again["count"] in {5, READ + 5}
    assert await mine(anna) == {"withdrawn": READ + 5}


@story(ErrorCode.NOT_JOINED)
async def test_who_has_no_seat_asks_nothing(desk: Desk) -> None:
    anna = desk.connects("anna")
    await anna.refused("mine")
    await anna.refused("withdraw_all")
    anna.lose_connection()


@story(**LIMITLESS)
async def test_in_a_session_it_goes_for_the_line_and_the_groups_too(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    lead, people = await hour.gather(4)
    anna = people[0]
    seat = anna.joined["seat"]
    line = anna.joined["line"]
    await anna.asks("post", HOUR, text="to the group")
    await anna.asks("join", line, seat=seat)
    await anna.asks("post", line, text="to you alone")
    await lead.asks("join", line, seat=lead.joined["seat"])
    answer = (await lead.asks("post", line, text="I hear you"))["seq"]
    await anna.asks("react", line, seq=answer, kind="thank_you")
    told = await mine(anna, HOUR)
    assert (told["posts"], told["reactions"]) == (2, 1)
    assert set(told["stands"]) >= {"member", "accepted"}
    assert (await anna.asks("withdraw_all", HOUR))["count"] == 3
    told = await mine(anna, HOUR)
    assert (told.get("posts"), told.get("reactions"), told["withdrawn"]) == (None, None, 3)
    head = await desk.kept.open_room(line)
    texts = [
        event.text for event in await desk.kept.since(line, head.epoch, 0, 100) if isinstance(event, Posted)
    ]
    assert texts == ["", "I hear you"]
