"""The gateway, spoken to as a client does: every command has one answer, and every refusal a name."""

import asyncio

import msgspec
import pytest

from chatd import wire
from chatd.wire import CloseCode, ErrorCode
from rooms.log import LogCorrupt, LogError, LogUnavailable
from tests.chatd import test_door
from tests.chatd.desk import NAMED, ROOM, SECRET, Desk, Person, places, settles, story
from tests.chatd.doubtful_log import FOR_EVER, Verb

FRAME = msgspec.json.encode


def has_facilitator(desk: Desk) -> str:
    return desk.ticket("facilitator")


# ---- every command ---------------------------------------------------------------------------------


@story()
async def test_every_command_is_answered_once_and_under_its_own_id(desk: Desk) -> None:
    anna = desk.connects("anna")
    drawn = await anna.asks("draw")
    joined = await anna.asks("join", offer=drawn["offer"], ticket=has_facilitator(desk))
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
    assert test_door.NAMED is NAMED
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
    await anna.asks("withdraw", seq=1)
    assert (await anna.refused("withdraw", seq=1))["code"] == ErrorCode.NOT_FOUND


@story(ErrorCode.SLOW_MODE)
async def test_slow_mode_says_when_and_binds_everybody_but_the_facilitator(desk: Desk) -> None:
    anna = await desk.comes("anna", ticket=has_facilitator(desk))
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
    anna = await desk.comes("anna", ticket=has_facilitator(desk))
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
    for kind, fields in (("older", {"before": 2}), ("draw", {}), ("join", {"room": "tea"})):
        assert (await anna.refused(kind, **fields))["code"] == ErrorCode.TOO_FAST

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
@pytest.mark.parametrize  # replaced below
async def _unused(desk: Desk) -> None: ...
