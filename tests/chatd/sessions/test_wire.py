"""Sessions on the wire: every command is answered, decided under the rules in force on every node, and shown
to each member as far as it is theirs to see."""

from typing import Any, Final, get_args

import msgspec
import pytest

from chatd.wire import ErrorCode
from rooms import session_commands as commands
from rooms.command import Command
from rooms.session_commands import SessionCommand
from tests.chatd.desk import Desk, Frame, Person, settles, story
from tests.chatd.hour import LOBBY_S, ROOM, Hour, carried

OF_PARTICIPANTS: Final = {
    commands.Accept,
    commands.RaiseHand,
    commands.EndTurn,
    commands.Vote,
    commands.AnswerCheckIn,
    commands.AskWord,
    commands.Appeal,
    commands.AnswerWord,
    commands.EndWord,
}
"""What is not listed here is a facilitator's: a new command is refused to everybody else, or a test fails."""
OF_FACILITATORS: Final = [kind for kind in get_args(SessionCommand) if kind not in OF_PARTICIPANTS]
SAMPLES: Final[Frame] = {
    "alone": 5,
    "asked": "before",
    "heavy": 5,
    "by_hand": True,
    "choice": 0,
    "groups": None,
    "item": 1,
    "key": "a-key",
    "limit": "mute",
    "minutes": 5,
    "options": ["yes", "no"],
    "phase": None,
    "poll": 1,
    "prompt": "How are you?",
    "question": "Longer?",
    "seq": 1,
    "size": 2,
    "rule": "other",
    "text": "hello",
    "told": 1,
    "yes": True,
}
"""A value for each field that has to be filled in, or is worth it."""


def fields_of(kind: type[Command], whose: str) -> Frame:
    """What a client would send of `kind`, besides the head."""
    samples = SAMPLES | {"whose": whose, "to": whose}
    own = [field for field in msgspec.structs.fields(kind) if field.name not in ("id", "room")]
    filled = {field.name: samples[field.name] for field in own if field.name in samples}
    missing = [field.name for field in own if field.required and field.name not in filled]
    assert not missing, f"SAMPLES lacks {missing}"
    return {name: value for name, value in filled.items() if value is not None}


def tag(kind: type[Command]) -> str:
    return str(kind.__struct_config__.tag)


def handle(person: Person) -> str:
    return str(person.joined["handle"])


def shown(person: Person) -> Frame:
    """The session as this person was told last."""
    told = [frame for frame in person.frames if frame["t"] == "session"]
    frame: Frame = told[-1] if told else person.joined["session"]
    return frame


async def opened(
    desk: Desk, people: int = 3, node: int = 0, **plan: Any
) -> tuple[Hour, Person, list[Person]]:
    """A session that is open, with so many people in it."""
    hour = Hour(desk)
    await hour.plan(in_minutes=12, **plan)
    facilitator, group = await hour.gather(people, desk.nodes[node])
    await facilitator.asks("move", ROOM, phase="open")
    await settles()
    return hour, facilitator, group


# ---- who may ask what ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OF_FACILITATORS, ids=tag)
@story(ErrorCode.NOT_ALLOWED)
async def test_what_is_a_facilitators_is_refused_to_everybody_else(desk: Desk, kind: type[Command]) -> None:
    hour, _, (anna, ben, _) = await opened(desk)
    line, fields = anna.joined["line"], fields_of(kind, handle(ben))
    await anna.asks("join", line, seat=anna.joined["seat"])
    anna.joined = next(frame for frame in anna.frames if frame["t"] == "joined")
    before = await hour.head()
    codes = {
        (await anna.refused(tag(kind), room, **fields))["code"] for room in (ROOM, line, f"{ROOM}~staff")
    }
    assert "not_allowed" in codes or kind in (commands.DecideHeld, commands.AnswerAppeal)
    assert codes <= {"not_allowed", "not_joined", "no_session"}
    assert (await anna.refused("join", f"{ROOM}~staff", seat=anna.joined["seat"]))["code"] == "not_allowed"
    assert await hour.head() == before, "nothing came of it"


@pytest.mark.parametrize("kind", get_args(SessionCommand), ids=tag)
@story(ErrorCode.NO_SESSION, ErrorCode.NOT_JOINED)
async def test_every_command_wants_a_session_and_a_seat(desk: Desk, kind: type[Command]) -> None:
    lead = await desk.comes("lead", ticket=desk.ticket("facilitator"))
    fields = fields_of(kind, handle(lead))
    assert (await lead.refused(tag(kind), **fields))["code"] == "no_session"
    assert (await lead.refused(tag(kind), "elsewhere", **fields))["code"] == "not_joined"


# ---- everybody is shown the truth of the moment -----------------------------------------------------


@story()
async def test_each_member_gets_a_frame_of_their_own_after_every_change(desk: Desk) -> None:
    _, lead, (anna, ben, carla) = await opened(desk)
    for person in (lead, anna, ben, carla):
        person.frames.clear()
    await anna.asks("raise_hand", ROOM)
    await settles()
    for person in (lead, anna, ben, carla):
        kinds = [frame["t"] for frame in person.frames if frame["t"] in ("hand_raised", "session")]
        assert kinds == ["hand_raised", "session"], "first what happened, then how it stands"
        assert shown(person)["floor"]["hands"] == [handle(anna)]
    assert shown(lead)["staff"]["members"] == [handle(anna), handle(ben), handle(carla)]
    assert shown(lead)["staff"]["lines"][handle(ben)] == ben.joined["line"]
    assert "staff" not in shown(anna)
    line = anna.joined["line"]
    assert shown(anna)["you"] == {"member": True, "accepted": True, "line": line, "check_in": "before"}
    assert lead.joined["staff"] == f"{ROOM}~staff"
    assert "staff" not in anna.joined
    assert "line" not in lead.joined

    await anna.asks("post", ROOM, text="Good evening")
    await settles()
    assert sum(frame["t"] == "session" for frame in ben.frames) == 1, "a post changes no rules"


@story()
async def test_a_room_without_a_session_has_no_such_frames(desk: Desk) -> None:
    lead, anna = await desk.comes("lead", ticket=desk.ticket("facilitator")), await desk.comes("anna")
    await lead.asks("slow", seconds=5)
    await settles()
    assert not anna.heard_all("session")
    assert not {"session", "line", "staff"} & (anna.joined.keys() | lead.joined.keys())


@story()
async def test_who_hears_nothing_of_a_restriction_still_counts_its_place(desk: Desk) -> None:
    hour, lead, (anna, ben, _) = await opened(desk)
    await lead.asks(
        "restrict", ROOM, whose=handle(anna), limit="mute", rule="kindness", reason="Our agreement"
    )
    await settles()
    place = (await hour.head()).head
    assert lead.heard_all("restricted")[-1]["whose"] == handle(anna)
    for person in (anna, ben):
        assert not person.heard_all("restricted")
        assert person.heard_all("moderated") == [
            {"t": "moderated", "room": ROOM, "seq": place, "handle": ""}
            | {"at": person.heard_all("moderated")[0]["at"]}
        ]
    assert shown(anna)["you"]["muted"]
    assert "limited" not in str(shown(ben))
    assert shown(lead)["staff"]["limited"][0]["reason"] == "Our agreement"

    history = (await ben.asks("older", ROOM, before=place + 1))["events"]
    assert "restricted" not in {event["t"] for event in history}
    assert history[-1]["t"] == "moderated"
    assert (await lead.asks("older", ROOM, before=place + 1))["events"][-1]["t"] == "restricted"
    ben.lose_connection()
    back = await ben.returns(desk.node, after=place - 1)
    assert (back["recovered"], [event["t"] for event in back["events"]]) == (True, ["moderated"])
    lead.lose_connection()
    assert (await lead.returns(desk.node, after=place - 1))["events"][0]["t"] == "restricted"


@story()
async def test_what_is_hidden_is_blank_but_for_its_author_and_the_facilitators(desk: Desk) -> None:
    _, lead, (anna, ben, _) = await opened(desk)
    said = (await anna.asks("post", ROOM, text="too much of it"))["seq"]
    await lead.asks("hide", ROOM, seq=said, rule="no_identifying", reason="a ward")
    await settles()
    assert "reason" not in ben.heard_all("hidden")[0]
    assert lead.heard_all("hidden")[0]["reason"] == "a ward"
    for person, text in ((ben, ""), (anna, "too much of it"), (lead, "too much of it")):
        history = (await person.asks("older", ROOM, before=said + 1, limit=1))["events"]
        assert (history[0]["text"], history[0]["hidden"]) == (text, True)
        person.lose_connection()
        events = (await person.returns(desk.node, after=said - 1))["events"]
        assert (events[0]["text"], events[0].get("hidden")) == (text, True)
    await lead.asks("hide", ROOM, seq=said, rule="other", on=False)
    await settles()
    again = (await ben.asks("older", ROOM, before=said + 1, limit=1))["events"][0]
    assert (again["text"], "hidden" in again) == ("too much of it", False)


# ---- two nodes -----------------------------------------------------------------------------------


@story(ErrorCode.MUTED, ErrorCode.PAUSED, nodes=2)
async def test_what_is_decided_on_one_node_holds_on_the_other_before_it_hears_of_it(desk: Desk) -> None:
    _, lead, _ = await opened(desk, people=1)
    async with carried(desk):
        ben = await Hour(desk).participant("ben", desk.nodes[1])
        await desk.passes(1)
    await lead.asks("restrict", ROOM, whose=handle(ben), limit="mute")
    assert (await ben.refused("post", ROOM, text="one more thing"))["code"] == "muted"
    async with carried(desk):
        await lead.asks("restrict", ROOM, whose=handle(ben), limit="mute", on=False)
        await desk.passes(1)
    assert (await ben.asks("post", ROOM, text="one more thing"))["seq"]
    await lead.asks("pause", ROOM, seconds=60)
    assert (await ben.refused("post", ROOM, key="k", text="and another"))["code"] == "paused"


@story(ErrorCode.ALREADY_VOTED, nodes=2)
async def test_votes_on_two_nodes_at_one_moment_are_all_counted_and_nobody_is_told_to_wait(
    desk: Desk,
) -> None:
    hour, lead, group = await opened(desk, people=3, poll_k=3)
    async with carried(desk):
        group += [await hour.participant(f"q{n}", desk.nodes[1]) for n in range(3)]
        poll = (await lead.asks("open_poll", ROOM, key="k", question="Longer?", options=["yes", "no"]))["seq"]
        await desk.passes(1)
    asked = [(each, each.says("vote", ROOM, poll=poll, choice=n % 3 // 2)) for n, each in enumerate(group)]
    answers = [await person.answer(id_) for person, id_ in asked]
    assert {answer["t"] for answer in answers} == {"ok"}
    assert (await group[0].refused("vote", ROOM, poll=poll, choice=0))["code"] == "already_voted"
    assert "tally" not in str([frame for person in [lead, *group] for frame in person.frames])
    await lead.asks("close_poll", ROOM, poll=poll)
    await settles()
    assert lead.heard_all("poll_closed")[0]["results"] == [4, 2]


@story(ErrorCode.WRONG_PHASE, nodes=2)
async def test_check_ins_on_two_nodes_are_all_counted_and_shown_to_nobody(desk: Desk) -> None:
    hour, lead, group = await opened(desk, people=3)
    async with carried(desk):
        group += [await hour.participant(f"q{n}", desk.nodes[1]) for n in range(3)]
        await desk.passes(1)
    assert [shown(person)["you"].get("check_in") for person in (*group, lead)] == ["before"] * 6 + [None]
    asked = [
        (each, each.says("check_in", ROOM, asked="before", heavy=n, alone=10 - n))
        for n, each in enumerate(group)
    ]
    assert {(await person.answer(id_))["t"] for person, id_ in asked} == {"ok"}
    assert (await group[0].asks("check_in", ROOM, asked="before", heavy=9, alone=9))["t"] == "ok"
    refused = await group[0].refused("check_in", ROOM, asked="after", heavy=9, alone=9)
    assert refused["code"] == "wrong_phase"
    await settles()
    assert (await hour.session()).before.heavy == (4, 2, 0)
    assert shown(group[0])["you"].get("check_in") is None
    frames = [frame for person in (lead, *group) for frame in person.frames]
    assert not [frame for frame in frames if frame["t"] == "checked_in" or "heavy" in str(frame)]
    assert lead.heard_all("moderated"), "their places are there"
    later = await hour.facilitator()
    kinds = {event["t"] for event in later.joined["events"]}
    assert "moderated" in kinds
    assert "checked_in" not in kinds


@story(nodes=2)
async def test_a_whole_group_that_accepts_at_once_is_answered_at_once(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    await hour.reach(hour.starts_at - LOBBY_S)
    group = [await desk.comes(f"p{n}", desk.nodes[n % 2], ROOM) for n in range(8)]
    asked = [(person, person.says("accept", ROOM)) for person in group]
    assert {(await person.answer(id_))["t"] for person, id_ in asked} == {"ok"}
    assert len((await hour.session()).accepted) == 8


# ---- every refusal has its story ---------------------------------------------------------------------


@story(
    ErrorCode.NOT_ACCEPTED,
    ErrorCode.NOT_YOUR_TURN,
    ErrorCode.TOO_FEW,
    ErrorCode.WRONG_PHASE,
    ErrorCode.LIMIT_REACHED,
    ErrorCode.NOT_OPEN,
)
async def test_refusals_say_what_to_do(desk: Desk) -> None:
    _, lead, (anna, ben) = await opened(desk, people=2)
    carla = await desk.comes("carla", None, ROOM)
    assert (await carla.refused("post", ROOM, text="hello"))["code"] == "not_accepted"
    await lead.asks("set_floor", ROOM, by_hand=True)
    assert (await anna.refused("post", ROOM, text="hello"))["code"] == "not_your_turn"
    await lead.asks("set_floor", ROOM, by_hand=False)
    refused = await lead.refused("split", ROOM, key="s", groups=[[handle(anna)], [handle(ben)]])
    assert refused["code"] == "too_few"
    for n in range(3):
        seq = (await anna.asks("post", ROOM, text=f"line {n}"))["seq"]
        await lead.asks("pin", ROOM, seq=seq)
    seq = (await ben.asks("post", ROOM, text="one more"))["seq"]
    assert (await lead.refused("pin", ROOM, seq=seq))["code"] == "limit_reached"
    assert (await lead.refused("move", ROOM, phase="scheduled"))["code"] == "wrong_phase"
    await lead.asks("move", ROOM, phase="closed")
    assert (await lead.refused("give_floor", ROOM, key="f"))["code"] == "not_open"
    dora = desk.connects("dora")
    assert (await dora.refused("join", ROOM))["code"] == "not_open"


# ---- who comes late, or again --------------------------------------------------------------------------


@story(post_burst=200)
async def test_who_comes_late_sees_the_last_of_it_on_every_node_and_in_every_way(desk: Desk) -> None:
    hour, lead, (anna, *_) = await opened(desk)
    await anna.asks("post", ROOM, text="before they came")
    for n in range(140):  # more than a node keeps in memory
        await lead.asks("post", ROOM, text=f"{n}")
    node = await desk.boot()
    for late in [await hour.participant("late"), await hour.participant("later", node)]:
        joined = late.joined
        first = joined["events"][0]["seq"]
        said = [event["text"] for event in joined["events"] if event["t"] == "posted"]
        assert said == [f"{n}" for n in range(120, 140)]
        older = await late.asks("older", ROOM, before=first, limit=200)
        assert (older["events"], older["more"]) == ([], False)
        page = await late.asks("older", ROOM, before=first + 3, limit=200)
        assert ([event["seq"] for event in page["events"]], page["more"]) == (
            [first, first + 1, first + 2],
            False,
        )
        again = await late.asks("join", ROOM, seat=joined["seat"], epoch=joined["epoch"], after=0)
        assert (again["recovered"], again["events"][0]["seq"]) == (False, first)
        back = await late.asks("join", ROOM, seat=joined["seat"], epoch=joined["epoch"], after=joined["head"])
        assert back["recovered"]
    assert (await anna.asks("older", ROOM, before=9, limit=200))["events"][0]["seq"] == 1
    second = await hour.facilitator(node)
    assert (await second.asks("older", ROOM, before=9, limit=200))["events"][0]["seq"] == 1
    assert shown(second)["staff"]["turns"] == {handle(anna): 1}, "who was heard is known on a new node too"


@story()
async def test_who_was_there_may_look_again_when_it_is_over(desk: Desk) -> None:
    _, lead, (anna, *_) = await opened(desk, erase="after_24h")
    await lead.asks("move", ROOM, phase="closed")
    anna.lose_connection()
    assert (await anna.returns(desk.node))["session"]["phase"] == "closed"
    assert (await anna.refused("post", ROOM, text="and"))["code"] == "not_open"
    assert (await desk.connects("late").refused("join", ROOM))["code"] == "not_open"
