"""The rooms that belong to a session: one seat for all of them, judged at the door and with every command."""

from typing import Any

from chatd.wire import ErrorCode
from rooms.events import Posted
from rooms.log import LogUnavailable
from rooms.session_events import Held, Told
from tests.chatd.desk import Desk, Frame, Person, places, settles, story
from tests.chatd.doubtful_log import FOR_EVER
from tests.chatd.hour import ROOM, Hour, carried
from tests.chatd.sessions.test_wire import handle, opened, shown

STAFF = f"{ROOM}~staff"


async def enters(person: Person, room: str) -> Frame:
    """Join a room that belongs to the session's, with the seat in that; `joined` stays the session's."""
    own = person.joined
    answer = await person.asks("join", room, seat=own["seat"])
    person.joined = own
    return answer


async def refused_at(person: Person, room: str) -> str:
    code: str = (await person.refused("join", room, seat=person.joined["seat"]))["code"]
    return code


async def told(hour: Hour, line: str) -> list[Told]:
    return [event for event in await hour.events(line) if isinstance(event, Told)]


def heard_in(person: Person, room: str, kind: str) -> list[Frame]:
    return [frame for frame in person.heard_all(kind) if frame["room"] == room]


# ---- who gets in -------------------------------------------------------------------------------------


@story(ErrorCode.NOT_A_MEMBER, ErrorCode.UNKNOWN_ROOM, ErrorCode.SEAT_REFUSED, open=True)
async def test_each_room_lets_in_those_whose_it_is_and_nobody_opens_another(desk: Desk) -> None:
    hour, lead, (anna, ben, _) = await opened(desk)
    line, other = anna.joined["line"], ben.joined["line"]
    joined = await enters(anna, line)
    assert (joined["handle"], joined["seat"], joined["kind"]) == (handle(anna), anna.joined["seat"], "line")
    assert joined["epoch"] != anna.joined["epoch"]
    assert [person["handle"] for person in joined["roster"]] == [handle(anna)]
    assert (await enters(lead, line))["role"] == "facilitator"
    assert (await enters(lead, STAFF))["kind"] == "staff"
    assert await refused_at(anna, STAFF) == "not_allowed"
    assert await refused_at(anna, other) == "not_allowed"
    for room in (f"{ROOM}~group.1.0", f"{ROOM}~group.999.0"):
        assert await refused_at(lead, room) == "not_open"
    assert await refused_at(lead, f"{ROOM}~line.AAAAAAAAAAAA") == "not_a_member"
    for room in (f"{ROOM}~cellar", "elsewhere~staff~staff", "tea~staff"):
        person = desk.connects("a stranger")
        person.joined = anna.joined
        assert (await person.answer(person.says("join", room, seat=anna.joined["seat"])))["t"] == "error"
    stranger = desk.connects("stranger")
    assert (await stranger.refused("join", line))["code"] in ("seat_refused", "not_joined", "not_a_member")
    assert (await stranger.refused("join", STAFF, seat="forged"))["code"] == "seat_refused"
    assert (await stranger.refused("draw", STAFF))["code"] == "unknown_room"
    rooms = set(await desk.kept.rooms("", 100))
    assert rooms <= {ROOM, STAFF, line, "tea", "elsewhere"}, "no room was made that nobody belongs in"
    assert hour.starts_at


@story(ErrorCode.NOT_ALLOWED)
async def test_a_private_word_is_between_two_and_ends(desk: Desk) -> None:
    _, lead, (anna, *_) = await opened(desk)
    second = await Hour(desk).facilitator()
    line = anna.joined["line"]
    for person in (anna, lead, second):
        await enters(person, line)
    assert (await anna.asks("ask_word", ROOM, key="w")) == {"t": "ok", "id": 4}
    await enters(lead, STAFF)
    asked = next(event for event in (await lead.asks("older", STAFF, before=9))["events"])
    assert (asked["t"], asked["handle"], asked["line"]) == ("word_asked", handle(anna), line)
    await lead.asks("offer_word", line, key="o")
    await second.asks("post", line, text="I am here too")
    await anna.asks("answer_word", line, yes=True)
    await settles()
    assert [(frame["room"], frame["code"]) for frame in second.heard_all("put_out")] == [
        (line, "not_allowed")
    ]
    assert (await second.refused("post", line, text="still here"))["code"] == "not_joined"
    assert await refused_at(second, line) == "not_allowed"
    await anna.asks("post", line, text="Only to you")
    await settles()
    assert [event["text"] for event in heard_in(lead, line, "posted")][-1] == "Only to you"
    assert not [event for event in heard_in(second, line, "posted") if event["text"] == "Only to you"]
    await lead.asks("end_word", line)
    assert (await enters(second, line))["handle"] == handle(second)


# ---- small groups --------------------------------------------------------------------------------


async def split(desk: Desk, lead: Person, groups: list[list[Person]]) -> list[str]:
    await lead.asks("split", ROOM, key="s", groups=[[handle(each) for each in group] for group in groups])
    await desk.passes(1)
    rooms: list[str] = shown(lead)["breakouts"]["rooms"]
    return rooms


@story(ErrorCode.MUTED, nodes=2)
async def test_in_a_small_group_the_sessions_rules_hold_on_every_node(desk: Desk) -> None:
    hour, lead, group = await opened(desk, people=2)
    async with carried(desk):
        there = [await hour.participant(f"q{n}", desk.nodes[1]) for n in range(2)]
        await desk.passes(1)
        first, second = await split(desk, lead, [group, there])
        assert [shown(person)["you"]["group"] for person in (*group, *there)] == [first] * 2 + [second] * 2
        for person in there:
            await enters(person, second)
        assert await refused_at(group[0], second) == "not_a_member"
        await enters(lead, second)
    assert (await there[0].asks("post", second, text="So, we two"))["seq"]
    # From here on the other node hears nothing: what was decided here holds there by the log alone.
    await lead.asks("restrict", ROOM, whose=handle(there[0]), limit="mute")
    assert (await there[0].refused("post", second, text="unheard"))["code"] == "muted"
    texts = [event.text for event in await hour.events(second) if isinstance(event, Posted)]
    assert texts == ["So, we two"]


@story(ErrorCode.SLOW_MODE, nodes=2)
async def test_in_a_small_group_the_sessions_pace_holds_in_every_window(desk: Desk) -> None:
    _, lead, (anna, ben, *others) = await opened(desk, people=4)
    await lead.asks("slow", ROOM, seconds=15)
    room, _ = await split(desk, lead, [[anna, ben], others])
    assert (await enters(anna, room))["slow_mode_s"] == 15
    await enters(ben, room)
    assert (await anna.asks("post", room, key="k1", text="first"))["seq"]
    again = await anna.refused("post", room, key="k2", text="and more")
    assert (again["code"], again["retry_after_s"] > 14) == ("slow_mode", True)
    assert (await anna.refused("post", ROOM, key="k3", text="elsewhere"))["code"] == "slow_mode"
    assert (await ben.asks("post", room, text="my turn"))["seq"]
    # Another window of hers, on another node, where her words came from the log.
    async with carried(desk):
        window = await desk.comes("anna's other window", desk.nodes[1], ROOM, seat=anna.joined["seat"])
        await enters(window, room)
        assert (await anna.asks("post", room, key="k1", text="first"))["seq"], "sent again, it is the same"
        await desk.passes(16)
        assert (await anna.asks("post", room, key="k4", text="second"))["seq"]
        await desk.passes(1)
        again = await window.refused("post", room, key="k5", text="from here")
        assert (again["code"], again["retry_after_s"] > 12) == ("slow_mode", True)
    await enters(lead, room)
    for n in range(2):
        assert (await lead.asks("post", room, key=f"l{n}", text="we have time"))["seq"]


@story(ErrorCode.WRONG_PHASE)
async def test_what_was_held_for_a_group_is_said_nowhere_when_the_group_is_no_more(desk: Desk) -> None:
    hour, lead, (anna, ben, *others) = await opened(desk, people=4)
    line = anna.joined["line"]
    await enters(lead, STAFF)
    await enters(anna, line)
    await lead.asks("restrict", ROOM, whose=handle(anna), limit="hold")
    room, _ = await split(desk, lead, [[anna, ben], others])
    await enters(anna, room)
    for n in range(2):
        assert (await anna.asks("post", room, key=f"k{n}", text=f"between us {n}"))["held"]
    await desk.passes(1)
    first, second = (event["seq"] for event in heard_in(lead, STAFF, "held"))
    await lead.asks("decide", STAFF, seq=first, yes=True)
    await lead.asks("recall", ROOM)
    assert (await lead.refused("decide", STAFF, seq=second, yes=True))["code"] == "wrong_phase"
    await lead.asks("decide", STAFF, seq=second, yes=False)
    await desk.passes(1)
    assert [each.what for each in await told(hour, line)] == ["hold", "approved", "declined"]
    said = [event.text for event in await hour.events(room) if isinstance(event, Posted)]
    assert said == ["between us 0"]


@story(ErrorCode.NOT_OPEN)
async def test_a_recall_ends_the_groups_and_a_word_to_all_reaches_each(desk: Desk) -> None:
    hour, lead, people = await opened(desk, people=4)
    rooms = await split(desk, lead, [people[:2], people[2:]])
    for n, person in enumerate(people):
        await enters(person, rooms[n // 2])
    await lead.asks("announce", ROOM, key="a", text="Two more minutes", everywhere=True)
    await desk.passes(1)
    for n, person in enumerate(people):
        assert [frame["text"] for frame in heard_in(person, rooms[n // 2], "announced")] == [
            "Two more minutes"
        ]
    await lead.asks("recall", ROOM)
    await settles()
    for n, person in enumerate(people):
        assert [(out["room"], out["code"]) for out in person.heard_all("put_out")] == [
            (rooms[n // 2], "not_open")
        ]
        assert (await person.asks("post", ROOM, text="back again"))["seq"], "the seat in the group stays"
    assert await refused_at(people[0], rooms[0]) == "not_open"
    assert (await hour.session()).breakouts is None


@story(ErrorCode.NOT_OPEN)
async def test_every_command_is_judged_again_whether_or_not_one_was_put_out(desk: Desk) -> None:
    _, lead, people = await opened(desk, people=4)
    rooms = await split(desk, lead, [people[:2], people[2:]])
    await enters(people[0], rooms[0])
    news = desk.node.gateway.news
    news._put_out = lambda live: None  # type: ignore[method-assign]  # as if it had not come to it yet
    await lead.asks("recall", ROOM)
    for kind, fields in (
        ("post", {"text": "still here"}),
        ("older", {"before": 9}),
        ("away", {"away": True}),
    ):
        assert (await people[0].refused(kind, rooms[0], **fields))["code"] == "not_open"


# ---- what was held, hidden, and appealed ----------------------------------------------------------


@story(nodes=2)
async def test_a_held_post_waits_and_is_said_once_when_it_goes_through(desk: Desk) -> None:
    hour, lead, (anna, ben, _) = await opened(desk)
    line = anna.joined["line"]
    await enters(lead, STAFF)
    await enters(anna, line)
    await lead.asks(
        "restrict", ROOM, whose=handle(anna), limit="hold", rule="kindness", reason="Let us look first"
    )
    said = await anna.asks("post", ROOM, key="k1", text="first")
    assert (said.get("held"), "seq" in said) == (True, False)
    assert (await anna.asks("post", ROOM, key="k1", text="first"))["held"], "sent again: the same"
    await anna.asks("post", ROOM, key="k2", text="second")
    await desk.passes(1)
    held = heard_in(lead, STAFF, "held")
    assert [(event["handle"], event["text"]) for event in held] == [
        (handle(anna), "first"),
        (handle(anna), "second"),
    ]
    assert not ben.heard_all("posted")
    await lead.asks("decide", STAFF, seq=held[0]["seq"], yes=True)
    await lead.asks("decide", STAFF, seq=held[1]["seq"], yes=False, reason="Not here")
    assert (await lead.refused("decide", STAFF, seq=held[1]["seq"], yes=True))["code"] == "not_found"
    await desk.passes(1)
    assert [(event["handle"], event["text"]) for event in ben.heard_all("posted")] == [
        (handle(anna), "first")
    ]
    kept = [event.text for event in await hour.events(STAFF) if isinstance(event, Held)]
    assert kept == ["", ""], "what waited is blank once it was decided"
    assert [(each.what, each.reason) for each in await told(hour, line)] == [
        ("hold", "Let us look first"),
        ("approved", ""),
        ("declined", "Not here"),
    ]
    assert [frame["what"] for frame in heard_in(anna, line, "told")] == ["hold", "approved", "declined"]
    assert anna.joined["line"] == line


@story(nodes=2)
async def test_who_was_removed_is_told_once_and_another_facilitator_looks_again(desk: Desk) -> None:
    hour, lead, (ben, *_) = await opened(desk)
    async with carried(desk):
        anna = await hour.participant("anna", desk.nodes[1])
        second = await hour.facilitator(desk.nodes[1])
        await desk.passes(1)
        line = anna.joined["line"]
        for person, room in ((anna, line), (lead, STAFF), (second, STAFF)):
            await enters(person, room)
        await lead.asks(
            "restrict", ROOM, whose=handle(anna), limit="remove", rule="kindness", reason="Enough"
        )
        await desk.passes(2)
        heard = heard_in(anna, line, "told")
        assert [(each["what"], each["rule"], each["reason"]) for each in heard] == [
            ("remove", "kindness", "Enough")
        ]
        assert len(await told(hour, line)) == 1, "both nodes saw to it, and it was said once"
        await anna.asks("appeal", line, told=heard[0]["seq"], text="Please look again")
        await desk.passes(1)
        appeal = heard_in(second, STAFF, "appealed")[0]
        assert (appeal["handle"], appeal["against"], appeal["text"]) == (
            handle(anna),
            handle(lead),
            "Please look again",
        )
        assert (await lead.refused("answer_appeal", STAFF, seq=appeal["seq"], yes=False))[
            "code"
        ] == "not_allowed"
        await second.asks("answer_appeal", STAFF, seq=appeal["seq"], yes=True, reason="I see it otherwise")
        await desk.passes(2)
    whats = [(each["what"], each.get("on", True)) for each in heard_in(anna, line, "told")]
    assert whats == [("remove", True), ("overturned", True), ("remove", False)]
    assert (await anna.asks("join", ROOM, seat=anna.joined["seat"]))["t"] == "joined"
    assert not ben.heard_all("told")


@story()
async def test_the_author_of_a_hidden_post_is_told_why_in_their_line(desk: Desk) -> None:
    hour, lead, (anna, *_) = await opened(desk)
    said = (await anna.asks("post", ROOM, text="on ward 7"))["seq"]
    await lead.asks("hide", ROOM, seq=said, rule="no_identifying", reason="a ward")
    await desk.passes(1)
    joined = await enters(anna, anna.joined["line"])
    assert [(each["what"], each["target"], each["reason"]) for each in joined["events"]] == [
        ("hidden", said, "a ward")
    ]
    assert places(joined["events"]) == [1]
    assert len(await told(hour, anna.joined["line"])) == 1


@story()
async def test_what_follows_is_done_by_whoever_opens_the_room_next(desk: Desk) -> None:
    """The node that placed the event died before it could tell anybody."""
    hour, lead, (anna, *_) = await opened(desk)
    gone = desk.node
    news = gone.gateway.news
    pass_on, news._pass_on = news._pass_on, lambda live, event: None  # type: ignore[method-assign]  # it dies
    await lead.asks("restrict", ROOM, whose=handle(anna), limit="mute", reason="Listen a while")
    await desk.passes(1)
    assert anna.joined["line"] not in await desk.kept.rooms("", 100)
    news._pass_on = pass_on  # type: ignore[method-assign]  # as it was
    await desk.boot()
    await desk.passes(2)
    assert [each.reason for each in await told(hour, anna.joined["line"])] == ["Listen a while"]


# ---- the end -----------------------------------------------------------------------------------------


@story()
async def test_when_the_session_is_erased_so_is_every_room_of_it(desk: Desk) -> None:
    hour, lead, (anna, *_) = await opened(desk)
    await enters(anna, anna.joined["line"])
    await enters(lead, STAFF)
    await lead.asks("post", STAFF, text="How is she?")
    await lead.asks("move", ROOM, phase="closed")
    await desk.passes(180)
    erased: dict[str, Any] = {
        name: {frame["room"] for frame in who.heard_all("erased")}
        for name, who in {
            "anna": anna,
            "lead": lead,
        }.items()
    }
    assert erased == {"anna": {ROOM, anna.joined["line"]}, "lead": {ROOM, STAFF}}
    assert set(await desk.kept.rooms("", 100)) <= {ROOM}
    assert hour.starts_at


@story()
async def test_a_seat_elsewhere_ends_with_the_epoch_that_it_is_of(desk: Desk) -> None:
    _, _, (anna, *_) = await opened(desk)
    line = anna.joined["line"]
    await enters(anna, line)
    head = await desk.kept.erase(ROOM)
    desk.node.hub.heard_head(ROOM, head.epoch, head.head)
    await settles()
    assert {frame["room"] for frame in anna.heard_all("erased")} == {ROOM, line}
    assert (await anna.refused("post", line, text="anybody?"))["code"] == "not_joined"


# ---- what stays between those it was said to -----------------------------------------------------------


@story(nodes=2, post_burst=200)
async def test_what_was_said_in_a_private_word_no_other_facilitator_ever_reads(desk: Desk) -> None:
    """Not while it lasts, not in one batch with its beginning where the bus was away, and not afterwards."""
    hour, lead, (anna, *_) = await opened(desk)
    line = anna.joined["line"]
    async with carried(desk):
        second = await hour.facilitator(desk.nodes[1])
        await desk.passes(1)
        for person in (anna, lead, second):
            await enters(person, line)
        await desk.passes(1)
    await lead.asks("offer_word", line, key="o")
    await anna.asks("answer_word", line, yes=True)
    for n in range(140):  # more than is kept in memory
        await anna.asks("post", line, text=f"Only to you {n}")
    await lead.asks("end_word", line)
    await anna.asks("post", line, text="To all of you")
    await desk.nodes[1].hub.catch_up(desk.nodes[1].hub.live[line])
    await settles()
    assert [frame["text"] for frame in heard_in(second, line, "posted")] == ["To all of you"]
    assert len(heard_in(second, line, "moderated")) == 140, "no place is left out"

    third = await hour.facilitator(await desk.boot())
    for reader, reads in ((second, False), (third, False), (lead, True), (anna, True)):
        joined = await enters(reader, line)
        before = joined["events"][0]["seq"]
        events = (await reader.asks("older", line, before=before, limit=200))["events"] + joined["events"]
        assert len(events) == 144
        between = [event for event in events if event["t"] == "posted"][:-1]
        assert len(between) == (140 if reads else 0)


@story()
async def test_a_private_word_ends_when_its_facilitator_is_gone(desk: Desk) -> None:
    """Somebody alone in it would be out of reach of everybody else."""
    hour, lead, (anna, *_) = await opened(desk)
    second = await hour.facilitator()
    line = anna.joined["line"]
    for person in (anna, lead):
        await enters(person, line)
    await lead.asks("offer_word", line, key="o")
    await anna.asks("answer_word", line, yes=True)
    await desk.passes(120)
    assert not heard_in(anna, line, "word_ended"), "they are there"
    lead.lose_connection()
    await desk.passes(45)
    assert await refused_at(second, line) == "not_allowed"
    await desk.passes(45)
    assert [event["handle"] for event in heard_in(anna, line, "word_ended")] == [""]
    assert (await enters(second, line))["t"] == "joined"


# ---- what follows, follows -----------------------------------------------------------------------------


@story()
async def test_who_is_to_be_told_is_told_when_the_log_is_back(desk: Desk) -> None:
    hour, lead, (anna, *_) = await opened(desk)
    desk.log.breaks("open_room", LogUnavailable("away"), times=FOR_EVER)
    await lead.asks("restrict", ROOM, whose=handle(anna), limit="mute", reason="Listen a while")
    await desk.passes(20)
    desk.log.mends()
    await desk.passes(60)
    assert [each.reason for each in await told(hour, anna.joined["line"])] == ["Listen a while"]


@story()
async def test_what_would_follow_is_not_written_when_the_session_is_gone_meanwhile(desk: Desk) -> None:
    hour, lead, (anna, *_) = await opened(desk)
    second = await hour.facilitator()
    said = (await anna.asks("post", ROOM, text="on ward 7"))["seq"]
    await lead.asks("hide", ROOM, seq=said, rule="no_identifying")
    await desk.passes(1)
    line = anna.joined["line"]
    of = (await enters(anna, line))["events"][0]["seq"]
    await enters(second, STAFF)
    await anna.asks("appeal", line, told=of, text="Please look again")
    await settles()
    (appeal,) = heard_in(second, STAFF, "appealed")
    with desk.log.holds("since") as held:
        await second.asks("answer_appeal", STAFF, seq=appeal["seq"], yes=True)
        await held.reached
        await desk.kept.erase(ROOM)
        await desk.node.hub.catch_up(desk.node.hub.live[ROOM])
    await desk.passes(5)
    heads = await desk.kept.heads(await desk.kept.rooms("", 100))
    assert {room for room, head in heads.items() if head.head} <= {line, STAFF}
    assert "overturned" not in [each.what for each in await told(hour, line)]
