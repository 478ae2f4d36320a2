"""The gateway, spoken to as a client does: every command has one answer, and every refusal a name."""

import asyncio

import pytest

from chatd import wire
from chatd.wire import CloseCode, ErrorCode
from rooms.log import LogCorrupt, LogError, LogUnavailable
from tests.chatd import test_door, test_waiting
from tests.chatd.desk import NAMED, ROOM, Desk, Person, places, settles, story
from tests.chatd.doubtful_log import FOR_EVER, Verb
from tests.chatd.passes import test_door as test_pass_door
from tests.chatd.sessions import test_rooms as test_session_rooms
from tests.chatd.sessions import test_wire as test_session_wire


def facilitates(desk: Desk) -> str:
    """The ticket of somebody who runs the room."""
    return desk.ticket("facilitator")


# ---- every command ---------------------------------------------------------------------------------


@story()
async def test_every_command_is_answered_once_and_under_its_own_id(desk: Desk) -> None:
    anna = desk.connects("anna")
    drawn = await anna.asks("draw")
    joined = await anna.asks("join", offer=drawn["offer"], ticket=facilitates(desk))
    assert joined["handle"] == drawn["handle"]
    assert (joined["head"], joined["events"], joined["recovered"]) == (0, [], False)
    assert (joined["role"], joined["kind"], joined["title"]) == ("facilitator", "drop-in", ROOM)

    assert (await anna.asks("post", text="hello"))["seq"] == 1
    assert (await anna.asks("react", seq=1, kind="heard"))["seq"] == 2
    assert (await anna.asks("slow", seconds=5))["seq"] == 3
    assert (await anna.asks("withdraw", seq=1))["seq"] == 4
    assert await anna.asks("away", id="by text", away=True) == {"t": "ok", "id": "by text"}
    history = await anna.asks("older", before=4, limit=2)
    assert (places(history["events"]), history["more"]) == ([2, 3], True)
    history = await anna.asks("older", before=2)
    assert (places(history["events"]), history["more"]) == ([1], False)
    assert (await anna.asks("leave"))["t"] == "ok"
    assert anna.seqs == [1, 2, 3, 4], "the author hears their own events as everybody does"


@story()
async def test_an_answer_comes_before_what_the_room_hears(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await anna.asks("post", text="hello")
    await settles()
    assert [frame["t"] for frame in anna.frames] == ["joined", "ok", "posted"]


@story()
async def test_a_post_sent_again_has_the_first_place_and_is_heard_once(desk: Desk) -> None:
    anna = await desk.comes("anna")
    first = await anna.asks("post", key="one-key", text="hello")
    again = await anna.asks("post", key="one-key", text="hello")
    assert first["seq"] == again["seq"] == 1
    await settles()
    assert anna.seqs == [1]
    assert desk.node.metrics.duplicates.value == 1


@story()
async def test_a_post_whose_answer_was_lost_with_the_log_is_kept_once(desk: Desk) -> None:
    anna = await desk.comes("anna")
    desk.log.breaks("append", after=True)
    await anna.refused("post", key="one-key", text="hello")
    assert (await anna.asks("post", key="one-key", text="hello"))["seq"] == 1


@story(react_per_s=0)
async def test_typing_is_passed_on_a_little_and_answered_never(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    for _ in range(3):
        anna.send({"t": "typing", "room": ROOM})
    stranger = desk.connects("carla")
    stranger.send({"t": "typing", "room": ROOM})
    await settles()
    heard = ben.heard_all("typing")
    assert heard == [{"t": "typing", "room": ROOM, "handle": anna.joined["handle"]}]
    assert not stranger.frames
    await desk.passes(desk.settings.typing_every_s)
    anna.send({"t": "typing", "room": ROOM})
    await settles()
    assert len(ben.heard_all("typing")) == 2


# ---- every refusal ---------------------------------------------------------------------------------


def test_every_code_is_heard_in_a_story() -> None:
    for module in (test_door, test_pass_door, test_session_rooms, test_session_wire, test_waiting):
        assert vars(module).get("story") is story, "its stories name their codes"
    assert set(ErrorCode) == NAMED


@story(ErrorCode.NOT_JOINED)
async def test_who_has_no_seat_is_told_so_for_every_command_that_needs_one(desk: Desk) -> None:
    anna = await desk.comes("anna", room="tea")
    for kind, fields in (
        ("post", {"text": "hello"}),
        ("react", {"seq": 1, "kind": "heard"}),
        ("withdraw", {"seq": 1}),
        ("slow", {"seconds": 5}),
        ("leave", {}),
        ("away", {"away": True}),
        ("older", {"before": 5}),
    ):
        refusal = await anna.refused(kind, **fields)
        assert refusal["code"] == ErrorCode.NOT_JOINED
        assert refusal["message"] == wire.MESSAGES[ErrorCode.NOT_JOINED]


@story(
    ErrorCode.TEXT_EMPTY,
    ErrorCode.TEXT_TOO_LONG,
    ErrorCode.BAD_KIND,
    ErrorCode.NOT_FOUND,
    ErrorCode.NOT_YOURS,
    ErrorCode.NOT_ALLOWED,
)
async def test_what_the_rules_forbid_is_refused_by_name_and_keeps_no_place(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    assert (await anna.asks("post", text="hello"))["seq"] == 1
    for kind, fields, code in (
        ("post", {"text": " \n "}, ErrorCode.TEXT_EMPTY),
        ("post", {"text": "\u200b\u2060"}, ErrorCode.TEXT_EMPTY),
        ("post", {"text": "a" * 4001}, ErrorCode.TEXT_TOO_LONG),
        ("react", {"seq": 1, "kind": "applause"}, ErrorCode.BAD_KIND),
        ("react", {"seq": 2, "kind": "heard"}, ErrorCode.NOT_FOUND),
        ("withdraw", {"seq": 2}, ErrorCode.NOT_FOUND),
        ("withdraw", {"seq": 1}, ErrorCode.NOT_YOURS),
        ("slow", {"seconds": 5}, ErrorCode.NOT_ALLOWED),
    ):
        refusal = await ben.refused(kind, **fields)
        assert refusal["code"] == code
    assert (await ben.asks("post", text="a" * 4000))["seq"] == 2
    withdrawal = await anna.asks("withdraw", seq=1)
    assert (await anna.asks("withdraw", seq=1))["seq"] == withdrawal["seq"], "asked again, done once"
    assert (await anna.refused("withdraw", seq=withdrawal["seq"]))["code"] == ErrorCode.NOT_FOUND


@story(ErrorCode.SLOW_MODE)
async def test_slow_mode_says_when_and_binds_everybody_but_the_facilitator(desk: Desk) -> None:
    anna = await desk.comes("anna", ticket=facilitates(desk))
    ben = await desk.comes("ben")
    await anna.asks("slow", seconds=30)
    await ben.asks("post", key="first", text="one")
    refusal = await ben.refused("post", text="two")
    assert refusal["code"] == ErrorCode.SLOW_MODE
    assert 29 < refusal["retry_after_s"] <= 30.01
    assert (await ben.asks("post", key="first", text="one"))["seq"] == 2, "the same post, sent again"
    for _ in range(2):
        await anna.asks("post", text="it binds no facilitator")
    await desk.passes(refusal["retry_after_s"])
    await ben.asks("post", text="two")
    assert (await desk.comes("carla")).joined["slow_mode_s"] == 30


@story(ErrorCode.SLOW_MODE)
async def test_a_post_decided_before_slow_mode_came_is_decided_again(desk: Desk) -> None:
    """Invariant 4: the log holds a decision to the rules it was made under."""
    anna = await desk.comes("anna", ticket=facilitates(desk))
    ben = await desk.comes("ben")
    with desk.log.holds("append") as held:
        change = anna.says("slow", seconds=30)
        await held.reached
        first, second = (ben.says("post", text=text) for text in ("one", "two"))
    assert (await anna.answer(change))["seq"] == 1
    assert (await ben.answer(first))["seq"] == 2
    assert (await ben.answer(second))["code"] == ErrorCode.SLOW_MODE


@story(ErrorCode.TOO_FAST, post_burst=2, react_burst=2, ask_burst=2)
async def test_posts_small_commands_and_questions_each_have_a_pace(desk: Desk) -> None:
    anna = await desk.comes("anna")
    for text in ("one", "two"):
        await anna.asks("post", text=text)
    refusal = await anna.refused("post", text="three")
    assert refusal["code"] == ErrorCode.TOO_FAST
    assert 0 < refusal["retry_after_s"] <= 1 / desk.settings.post_per_s + 0.01

    await anna.asks("react", seq=1, kind="heard")
    await anna.asks("away", away=True)
    for kind, fields in (
        ("react", {"seq": 2, "kind": "heard"}),
        ("withdraw", {"seq": 1}),
        ("slow", {"seconds": 5}),
        ("away", {"away": False}),
    ):
        assert (await anna.refused(kind, **fields))["code"] == ErrorCode.TOO_FAST

    await anna.asks("older", before=2)
    for question in (anna.says("older", before=2), anna.says("draw"), anna.says("join", "tea")):
        assert (await anna.answer(question))["code"] == ErrorCode.TOO_FAST

    await desk.passes(refusal["retry_after_s"])
    await anna.asks("post", text="three")
    await anna.asks("older", before=2)


@story(ErrorCode.TOO_FAST)
async def test_only_a_few_questions_of_one_connection_wait_at_a_time(desk: Desk) -> None:
    anna = desk.connects("anna")
    with desk.log.holds("open_room") as held:
        asked = [anna.says("draw") for _ in range(9)]
        await held.reached
        assert (await anna.answer(asked[-1]))["code"] == ErrorCode.TOO_FAST
    assert {(await anna.answer(id_))["t"] for id_ in asked[:-1]} == {"drawn"}
    await anna.asks("draw")


@story(ErrorCode.TOO_FAST, post_burst=1)
async def test_a_pace_is_shared_by_all_windows_of_a_seat_and_outlives_a_reload(desk: Desk) -> None:
    anna = await desk.comes("anna")
    window = await desk.comes("anna again", seat=anna.joined["seat"])
    assert window.joined["handle"] == anna.joined["handle"]
    await anna.asks("post", text="one")
    assert (await window.refused("post", text="two"))["code"] == ErrorCode.TOO_FAST
    for each in (anna, window):
        each.lose_connection()
    await anna.returns(desk.node)
    assert (await anna.refused("post", text="two"))["code"] == ErrorCode.TOO_FAST


@story(ErrorCode.BUSY, max_queue=1)
async def test_who_finds_the_queue_full_is_told_to_come_back(desk: Desk) -> None:
    anna, ben = desk.connects("anna"), desk.connects("ben")
    joins = [person.says("join") for person in (anna, ben)]
    answers = [await person.answer(id_) for person, id_ in zip((anna, ben), joins, strict=True)]
    assert [answer["t"] for answer in answers] == ["joined", "error"]
    assert answers[1]["code"] == ErrorCode.BUSY

    kept, late = anna.says("post", text="one"), anna.says("post", key="again", text="two")
    assert (await anna.answer(kept))["seq"] == 1
    refusal = await anna.answer(late)
    assert refusal["code"] == ErrorCode.BUSY
    assert refusal["retry_after_s"] > 0
    assert (await anna.asks("post", key="again", text="two"))["seq"] == 2


@story(ErrorCode.LOG_UNAVAILABLE)
async def test_who_meets_a_broken_log_loses_nothing_and_sends_again(desk: Desk) -> None:
    anna = await desk.comes("anna")
    desk.log.breaks("append")
    refusal = await anna.refused("post", key="again", text="one")
    assert refusal["code"] == ErrorCode.LOG_UNAVAILABLE
    await desk.passes(refusal["retry_after_s"])
    assert (await anna.asks("post", key="again", text="one"))["seq"] == 1


@pytest.mark.parametrize("error", [LogUnavailable("away"), LogCorrupt("not ours")], ids=["away", "corrupt"])
@pytest.mark.parametrize("verb", ["open_room", "since", "claim"])
@story(ErrorCode.LOG_UNAVAILABLE)
async def test_whatever_the_log_says_to_a_join_the_node_lives(
    desk: Desk, verb: Verb, error: LogError
) -> None:
    anna = desk.connects("anna")
    desk.log.breaks(verb, error)
    assert (await anna.refused("join"))["code"] == ErrorCode.LOG_UNAVAILABLE
    assert (await anna.asks("join"))["head"] == 0


@pytest.mark.parametrize("error", [LogUnavailable("away"), LogCorrupt("not ours")], ids=["away", "corrupt"])
@story(ErrorCode.LOG_UNAVAILABLE)
async def test_whatever_the_log_says_to_a_page_of_history_the_node_lives(desk: Desk, error: LogError) -> None:
    anna = await desk.comes("anna")
    await anna.asks("post", text="one")
    desk.log.breaks("before", error)
    assert (await anna.refused("older", before=2))["code"] == ErrorCode.LOG_UNAVAILABLE
    assert places((await anna.asks("older", before=2))["events"]) == [1]


@pytest.mark.parametrize("error", [LogUnavailable("away"), LogCorrupt("not ours")], ids=["away", "corrupt"])
@story(ErrorCode.LOG_UNAVAILABLE)
async def test_whatever_the_log_says_to_a_second_decision_the_node_lives(desk: Desk, error: LogError) -> None:
    anna = await desk.comes("anna", ticket=facilitates(desk))
    ben = await desk.comes("ben")
    with desk.log.holds("append") as held:
        anna.says("slow", seconds=30)
        await held.reached
        stale = ben.says("post", key="again", text="one")
        desk.log.breaks("since", error)
    assert (await ben.answer(stale))["code"] == ErrorCode.LOG_UNAVAILABLE
    assert (await ben.asks("post", key="again", text="one"))["seq"] == 2


@story(ErrorCode.LOG_UNAVAILABLE)
async def test_a_log_that_is_away_refuses_a_whole_batch_and_each_of_it_once(desk: Desk) -> None:
    anna = await desk.comes("anna")
    desk.log.breaks("append", LogCorrupt("not ours"), times=FOR_EVER)
    asked = [anna.says("post", text=f"line {number}") for number in range(5)]
    assert {(await anna.answer(id_))["code"] for id_ in asked} == {ErrorCode.LOG_UNAVAILABLE}
    assert desk.node.metrics.commit_failures.value > 0


@story(ErrorCode.BAD_FRAME)
async def test_three_unreadable_frames_in_a_row_end_the_connection(desk: Desk) -> None:
    anna = await desk.comes("anna")
    assert anna.receiver is not None
    anna.receiver.received("no json")
    anna.receiver.received(b"[1, 2]")
    await anna.asks("post", text="and one that can be read in between")
    for number, payload in enumerate(("{", '{"t": "sing"}', "")):
        assert anna.connected, number
        anna.receiver.received(payload)
    assert anna.closed_with == CloseCode.MALFORMED
    await settles()
    assert [frame["code"] for frame in anna.heard_all("error")] == [ErrorCode.BAD_FRAME] * 5
    assert not desk.node.gateway.connections


@story(ErrorCode.BAD_FRAME)
async def test_a_command_with_a_bad_field_is_answered_under_its_id(desk: Desk) -> None:
    anna = await desk.comes("anna")
    refusal = await anna.refused("post", text="hello", key="")
    assert refusal["code"] == ErrorCode.BAD_FRAME
    refusal = await anna.refused("react", seq=0, kind="heard", id="seven")
    assert (refusal["code"], refusal["id"]) == (ErrorCode.BAD_FRAME, "seven")
    assert "hello" not in str(anna.heard_all("error"))


# ---- places ----------------------------------------------------------------------------------------


@story(ErrorCode.TOO_MANY_ROOMS, max_rooms_per_connection=2)
async def test_rooms_of_one_connection_are_counted_also_where_joins_come_at_once(desk: Desk) -> None:
    anna = desk.connects("anna")
    asked = [anna.says("join", room) for room in ("tea", "cafe", "night", "icu")]
    answers = [await anna.answer(id_) for id_ in asked]
    assert [answer["t"] for answer in answers] == ["joined", "joined", "error", "error"]
    assert {answer["code"] for answer in answers[2:]} == {ErrorCode.TOO_MANY_ROOMS}
    await anna.asks("join", "tea", seat=answers[0]["seat"])
    await anna.asks("leave", "tea")
    await anna.asks("join", "night")
    assert (await anna.refused("join", "tea"))["code"] == ErrorCode.TOO_MANY_ROOMS


@story(ErrorCode.TOO_MANY_CONNECTIONS, max_connections_per_seat=2)
async def test_a_seat_is_open_in_so_many_windows_and_no_more(desk: Desk) -> None:
    anna = await desk.comes("anna")
    seat = anna.joined["seat"]
    second = await desk.comes("second", seat=seat)
    third = desk.connects("third")
    assert (await third.refused("join", seat=seat))["code"] == ErrorCode.TOO_MANY_CONNECTIONS

    # Nor by way of another seat of one's own in the same room.
    mine = await third.asks("join")
    assert (await third.refused("join", seat=seat))["code"] == ErrorCode.TOO_MANY_CONNECTIONS
    await third.asks("post", text="still in my own seat")
    assert (await third.asks("join", seat=mine["seat"]))["handle"] == mine["handle"]

    await second.asks("join", seat=seat)  # the same window again is not one more
    second.lose_connection()
    assert (await third.asks("join", seat=seat))["handle"] == anna.joined["handle"]


@story(ErrorCode.ROOM_FULL)
async def test_a_full_room_takes_back_who_had_a_seat_and_any_facilitator(desk: Desk) -> None:
    await desk.adds(capacity=1)
    anna, carla = await desk.comes("anna"), desk.connects("carla")
    assert (await carla.refused("join"))["code"] == ErrorCode.ROOM_FULL
    window = await desk.comes("anna again", seat=anna.joined["seat"])
    for each in (window, anna):
        await each.asks("leave")
    await carla.asks("join")
    assert (await anna.asks("join", seat=anna.joined["seat"]))["handle"] == anna.joined["handle"]
    await desk.comes("who runs it", ticket=facilitates(desk))


@story(ErrorCode.ROOM_FULL)
async def test_a_full_room_takes_back_at_most_as_many_again_as_it_holds(desk: Desk) -> None:
    await desk.adds(capacity=1)
    people = []
    for name in ("anna", "ben", "carla"):
        people.append(await desk.comes(name))
        await people[-1].asks("leave")
    answers = [await each.answer(each.says("join", seat=each.joined["seat"])) for each in people]
    assert [answer["t"] for answer in answers] == ["joined", "joined", "error"]


@story(ErrorCode.UNKNOWN_ROOM, open=False)
async def test_a_room_that_nobody_made_is_unknown(desk: Desk) -> None:
    await desk.adds()
    anna = desk.connects("anna")
    for kind in ("join", "draw"):
        assert (await anna.refused(kind, "elsewhere"))["code"] == ErrorCode.UNKNOWN_ROOM
    await anna.asks("join")


# ---- coming and going ------------------------------------------------------------------------------


@story()
async def test_who_joins_nothing_in_time_is_cut(desk: Desk) -> None:
    anna, ben = desk.connects("anna"), await desk.comes("ben")
    await desk.passes(desk.settings.join_timeout_s - 1)
    assert anna.connected
    await desk.passes(3)
    assert anna.closed_with == CloseCode.NOTHING_JOINED
    assert ben.connected


@story(ErrorCode.LOG_UNAVAILABLE)
async def test_whoever_has_lost_their_last_seat_has_a_deadline_again(desk: Desk) -> None:
    """Having left, having been expelled, or having failed to come back: all the same."""
    await desk.keeps(*map(str, range(200)))
    people = {name: await desk.comes(name) for name in ("leaves", "fails", "stays")}
    await desk.comes("expelled", room="tea")
    people["expelled"] = desk.people[-1]
    await desk.passes(60)

    await people["leaves"].asks("leave")
    last = people["fails"].joined
    desk.log.breaks("since")
    await people["fails"].refused("join", seat=last["seat"], epoch=last["epoch"], after=1)
    await desk.kept.erase("tea")
    await people["expelled"].refused("post", "tea", text="hello")
    await people["expelled"].hears("erased")

    await desk.passes(desk.settings.join_timeout_s + 2)
    closed = {name for name, person in people.items() if person.closed_with == CloseCode.NOTHING_JOINED}
    assert closed == {"leaves", "fails", "expelled"}


@story()
async def test_drawing_handles_puts_the_deadline_off_but_not_for_ever(desk: Desk) -> None:
    anna = desk.connects("anna")
    await anna.asks("draw")
    await desk.passes(800)
    assert anna.connected
    await anna.asks("draw")
    await desk.passes(120)
    assert anna.closed_with == CloseCode.NOTHING_JOINED


@story(ErrorCode.NOT_JOINED)
async def test_who_is_gone_before_the_answer_leaves_nothing_behind(desk: Desk) -> None:
    ben = await desk.comes("ben")
    for verb in ("open_room", "claim", "since"):
        anna = desk.connects("anna")
        room = f"room-{verb}"
        with desk.log.holds(verb) as held:
            anna.says("join", room)
            await held.reached
            anna.lose_connection()
        await settles()
        assert desk.node.hub.live[room].members == 0
    assert desk.node.counts() == {ROOM: 1}
    assert len(desk.node.gateway.connections) == 1
    await ben.refused("leave", "elsewhere")


@story()
async def test_a_window_that_closes_while_its_return_fails_gives_its_seat_up_once(desk: Desk) -> None:
    await desk.keeps(*map(str, range(200)))
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    last = anna.joined
    window = desk.connects("anna again")
    with desk.log.holds("since") as held:
        window.says("join", seat=last["seat"], epoch=last["epoch"], after=1)
        await held.reached
        desk.log.breaks("since")
        window.lose_connection()
    await desk.passes(5)
    assert not ben.heard_all("presence") or last["handle"] not in ben.heard_all("presence")[-1]["left"]
    present = {member["handle"] for member in (await desk.comes("carla")).joined["roster"]}
    assert last["handle"] in present, "her first window is still open"


@story()
async def test_a_seat_comes_back_on_another_connection_without_a_hole(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    await ben.asks("post", text="one")
    await settles()
    anna.lose_connection()
    await ben.asks("post", text="two")
    back = await anna.returns(desk.node)
    assert (back["recovered"], back["handle"]) == (True, anna.joined["handle"])
    assert places(back["events"]) == [2]
    await ben.asks("post", text="three")
    await settles()
    assert anna.seqs == [1, 3]
    outcomes = desk.node.metrics.recoveries
    assert [outcomes[name].value for name in ("recovered", "clean_start", "seat_refused")] == [1, 0, 0]


@story(ErrorCode.SEAT_REFUSED)
async def test_joins_with_a_seat_are_counted_by_what_became_of_them(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await anna.asks("join", seat=anna.joined["seat"], epoch="of long ago", after=3)
    await anna.refused("join", "tea", seat=anna.joined["seat"])
    outcomes = desk.node.metrics.recoveries
    assert [outcomes[name].value for name in ("recovered", "clean_start", "seat_refused")] == [0, 1, 1]


@story()
async def test_two_joins_of_one_connection_at_once_leave_it_in_one_seat(desk: Desk) -> None:
    anna, ben = desk.connects("anna"), await desk.comes("ben")
    asked = [anna.says("join") for _ in range(2)]
    answers = [await anna.answer(id_) for id_ in asked]
    assert [answer["t"] for answer in answers] == ["joined", "joined"]
    await ben.asks("post", text="hello")
    await settles()
    assert anna.seqs == [1]
    await anna.asks("leave")
    await desk.passes(5)
    assert desk.node.counts() == {ROOM: 1}


async def _post(person: Person, text: str) -> None:
    await person.asks("post", text=text)


@story(post_per_s=0)
async def test_what_many_say_at_once_everybody_hears_in_one_order(desk: Desk) -> None:
    people = [await desk.comes(f"person {number}") for number in range(5)]
    async with asyncio.TaskGroup() as tasks:
        for person in people:
            for number in range(10):
                tasks.create_task(_post(person, f"line {number}"))
    await settles()
    for person in people:
        assert person.seqs == list(range(1, 51))
    assert desk.log.asked["append"] < 10, "what arrives while one commit runs goes into the next"
