"""What every log promises, over memory, SQLite and PostgreSQL alike (`rooms/log.py` has the words)."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from rooms.events import AnyEvent, Posted, Reacted, Rules, Slowed, Withdrawn
from rooms.log import (
    Appended,
    Claim,
    Draft,
    Duplicate,
    Head,
    Log,
    LogUnavailable,
    NotFound,
    NotYours,
    Outcome,
    Stale,
)
from rooms.session_events import Decided, Held
from tests.fixtures.stores import MINUTE, Stores

ROOM = "quiet-hour"
OTTER, HERON = "quiet-otter", "slow-heron"


@pytest.fixture
async def log(stores: Stores) -> Log:
    return (await stores.open()).log


class Room:
    """A room as one who writes sees it: drafts under the head that was read last."""

    def __init__(self, log: Log, head: Head, name: str = ROOM) -> None:
        self.log = log
        self.head = head
        self.name = name

    def post(self, key: str, text: str = "hello", *, by: str = OTTER, epoch: str | None = None) -> Draft:
        event = Posted(room=self.name, handle=by, text=text)
        return Draft(event, epoch or self.head.epoch, self.head.rules_version, key)

    def react(self, key: str, target: int, *, by: str = OTTER) -> Draft:
        event = Reacted(room=self.name, handle=by, target=target, kind="heard")
        return Draft(event, self.head.epoch, self.head.rules_version, key)

    def withdraw(self, key: str, target: int, *, by: str = OTTER) -> Draft:
        event = Withdrawn(room=self.name, handle=by, target=target)
        return Draft(event, self.head.epoch, self.head.rules_version, key, withdraws=target)

    def slow(self, key: str, seconds: int) -> Draft:
        event = Slowed(room=self.name, handle=OTTER, seconds=seconds)
        rules = Rules(slow_mode_s=seconds)
        return Draft(event, self.head.epoch, self.head.rules_version, key, rules=rules)

    async def append(self, *drafts: Draft) -> list[Outcome]:
        return await self.log.append(drafts)

    async def say(self, *texts: str) -> None:
        outcomes = await self.append(*(self.post(f"say {text}", text) for text in texts))
        assert all(isinstance(outcome, Appended) for outcome in outcomes)

    async def all(self) -> list[AnyEvent]:
        return await self.log.since(self.name, self.head.epoch, 0, 1_000)

    async def refresh(self) -> None:
        self.head = (await self.log.heads([self.name]))[self.name]


@pytest.fixture
async def room(log: Log) -> Room:
    return Room(log, await log.open_room(ROOM))


def seqs(outcomes: Sequence[Outcome]) -> list[int | None]:
    """The places that were given, None where none was."""
    return [outcome.event.seq if isinstance(outcome, Appended) else None for outcome in outcomes]


def texts(events: Sequence[AnyEvent]) -> list[str]:
    return [event.text if isinstance(event, Posted) else "" for event in events]


# ---- opening -----------------------------------------------------------------------------------


async def test_a_room_is_opened_once_and_begins_empty(log: Log) -> None:
    first = await log.open_room(ROOM)
    assert (first.head, first.tail, first.rules_version, first.rules) == (0, 1, 0, Rules())
    assert first.epoch
    assert await log.open_room(ROOM) == first
    assert (await log.open_room("another")).epoch != first.epoch


async def test_heads_are_those_of_rooms_that_have_a_log(log: Log, room: Room) -> None:
    await room.say("a", "b")
    heads = await log.heads([ROOM, "unheard-of", ROOM])
    assert {name: head.head for name, head in heads.items()} == {ROOM: 2}
    assert await log.heads([]) == {}


async def test_rooms_that_have_a_log_are_told_page_by_page(log: Log) -> None:
    for name in ("b-1", "a", "b.2", "b"):
        await log.open_room(name)
    assert await log.rooms("", 3) == ["a", "b", "b-1"]
    assert await log.rooms("b-1", 3) == ["b.2"]
    assert await log.rooms("b.2", 3) == []


# ---- order and places --------------------------------------------------------------------------


async def test_places_ascend_in_the_order_given_in_every_room_of_a_batch(log: Log, room: Room) -> None:
    other = Room(log, await log.open_room("other"), "other")
    outcomes = await log.append([room.post("1"), other.post("1"), room.post("2"), other.post("2")])
    assert seqs(outcomes) == [1, 1, 2, 2]
    assert seqs(await log.append([other.post("3"), room.post("3")])) == [3, 3]
    assert (await log.heads([ROOM]))[ROOM].head == 3


async def test_what_is_appended_is_read_back_as_it_was_answered(stores: Stores, room: Room) -> None:
    stores.clock.now = MINUTE + 59.9
    drafts = [
        Draft(
            Posted(room=ROOM, handle=OTTER, text="ÿ\0 😌", reply_to=3, role="facilitator"),
            room.head.epoch,
            0,
            "a\0",
        ),
        room.react("b", 1),
        room.post("c", "x" * 4000),
        room.slow("d", 15),
    ]
    outcomes = await room.append(*drafts)
    events = [outcome.event for outcome in outcomes if isinstance(outcome, Appended)]
    assert [event.at for event in events] == [MINUTE] * 4
    assert await room.all() == events


async def test_since_and_before_are_windows_on_the_log(log: Log, room: Room) -> None:
    await room.say("a", "b", "c", "d")
    epoch = room.head.epoch
    assert texts(await log.since(ROOM, epoch, 1, 2)) == ["b", "c"]
    assert texts(await log.since(ROOM, epoch, 4, 10)) == []
    assert texts(await log.before(ROOM, epoch, 4, 2)) == ["b", "c"]
    assert texts(await log.before(ROOM, epoch, 2**53 - 1, 3)) == ["b", "c", "d"]
    assert texts(await log.before(ROOM, epoch, 1, 3)) == []
    assert await log.since(ROOM, "another epoch", 0, 10) == []
    assert await log.before(ROOM, "another epoch", 9, 10) == []
    assert await log.since("unheard-of", epoch, 0, 10) == []


async def test_an_empty_append_is_nothing(log: Log) -> None:
    assert await log.append([]) == []


# ---- exactly once ------------------------------------------------------------------------------


async def test_a_key_is_kept_once(room: Room) -> None:
    assert seqs(await room.append(room.post("1"), room.post("2"))) == [1, 2]
    again = await room.append(room.post("3"), room.post("2", "said again"), room.post("4"), room.post("4"))
    assert [type(outcome) for outcome in again] == [Appended, Duplicate, Appended, Duplicate]
    assert (again[1], again[3]) == (Duplicate(2), Duplicate(4))
    assert seqs(again) == [3, None, 4, None]
    assert texts(await room.all()) == ["hello"] * 4


async def test_a_key_belongs_to_one_handle_in_one_room(log: Log, room: Room) -> None:
    other = Room(log, await log.open_room("other"), "other")
    outcomes = await log.append([room.post("1"), room.post("1", by=HERON), other.post("1")])
    assert seqs(outcomes) == [1, 2, 1]


async def test_a_resend_is_known_even_after_the_rules_have_changed(room: Room) -> None:
    await room.append(room.post("1"), room.slow("2", 5))
    assert await room.append(room.post("1"), room.post("new")) == [Duplicate(1), Stale()]
    await room.refresh()
    assert await room.append(room.post("1")) == [Duplicate(1)]


# ---- rules and epochs --------------------------------------------------------------------------


async def test_a_draft_decided_under_other_rules_is_stale(log: Log, room: Room) -> None:
    outcomes = await room.append(room.post("1"), room.slow("2", 30), room.post("3"))
    assert outcomes[2] == Stale()
    assert await room.append(room.post("3")) == [Stale()]
    await room.refresh()
    assert (room.head.head, room.head.rules_version, room.head.rules) == (2, 2, Rules(slow_mode_s=30))
    assert seqs(await room.append(room.post("3"))) == [3]
    assert (await log.open_room(ROOM)).rules == Rules(slow_mode_s=30)


async def test_a_draft_for_another_epoch_or_an_unopened_room_is_stale(log: Log, room: Room) -> None:
    nowhere = Room(log, room.head, "unheard-of")
    assert await log.append([room.post("1", epoch="old"), nowhere.post("1")]) == [Stale(), Stale()]
    assert await room.all() == []
    assert await log.heads(["unheard-of"]) == {}


# ---- withdrawing -------------------------------------------------------------------------------


async def test_a_withdrawn_post_stays_in_place_without_its_text(room: Room) -> None:
    await room.say("a", "b")
    assert seqs(await room.append(room.withdraw("w", 1))) == [3]
    first, second, third = await room.all()
    assert first == Posted(room=ROOM, seq=1, at=MINUTE, handle=OTTER, text="", withdrawn=True)
    assert isinstance(second, Posted)
    assert second.text == "b"
    assert third == Withdrawn(room=ROOM, seq=3, at=MINUTE, handle=OTTER, target=1)


async def test_a_withdrawn_post_does_not_come_back_by_a_late_resend(room: Room) -> None:
    await room.append(room.post("1", "a"))
    await room.append(room.withdraw("w", 1))
    assert await room.append(room.post("1", "a")) == [Duplicate(1)]
    assert texts(await room.all()) == ["", ""]


async def test_a_withdrawn_reaction_may_be_made_again(room: Room) -> None:
    await room.say("a")
    assert seqs(await room.append(room.react("heard 1", 1))) == [2]
    assert await room.append(room.react("heard 1", 1)) == [Duplicate(2)]
    assert seqs(await room.append(room.withdraw("w", 2))) == [3]
    assert (await room.all())[1] == Reacted(
        room=ROOM, seq=2, at=MINUTE, handle=OTTER, target=1, kind="", withdrawn=True
    )
    assert seqs(await room.append(room.react("heard 1", 1))) == [4]


async def test_only_what_is_there_and_ones_own_can_be_withdrawn(room: Room) -> None:
    await room.append(room.post("1"), room.post("2", by=HERON))
    refused = await room.append(room.withdraw("w1", 2), room.withdraw("w2", 9), room.withdraw("w3", 3))
    assert refused == [NotYours(), NotFound(), NotFound()]
    assert seqs(await room.append(room.withdraw("w4", 1))) == [3]
    assert await room.append(room.withdraw("w5", 1)) == [NotFound()]  # already
    assert await room.append(room.withdraw("w6", 3)) == [NotFound()]  # the withdrawal itself
    assert await room.append(room.withdraw("w4", 1)) == [Duplicate(3)]  # a resend
    assert texts(await room.all()) == ["", "hello", ""]


async def test_the_pace_cannot_be_withdrawn(room: Room) -> None:
    await room.append(room.slow("s", 5))
    await room.refresh()
    assert await room.append(room.withdraw("w", 1)) == [NotFound()]


async def test_drafts_of_one_batch_see_those_before_them(room: Room) -> None:
    outcomes = await room.append(
        room.post("1", "a"),
        room.withdraw("w", 1),
        room.withdraw("x", 1),
        room.post("1", "a"),
        room.react("r", 1),
        room.withdraw("y", 3),
        room.react("r", 1),
    )
    assert seqs(outcomes) == [1, 2, None, None, 3, 4, 5]
    assert outcomes[2:4] == [NotFound(), Duplicate(1)]
    assert isinstance(outcomes[0], Appended)
    assert outcomes[0].event == Posted(room=ROOM, seq=1, at=MINUTE, handle=OTTER, text="a")
    stored = await room.all()
    assert [getattr(event, "withdrawn", False) for event in stored] == [True, False, True, False, False]


async def test_a_resend_ahead_of_its_withdrawal_in_one_batch_is_not_said_again(room: Room) -> None:
    await room.append(room.post("1", "a"), room.react("r", 1))
    outcomes = await room.append(room.react("r", 1), room.withdraw("w", 2))
    assert outcomes[0] == Duplicate(2)
    assert seqs(outcomes[1:]) == [3]
    outcomes = await room.append(room.withdraw("w", 2), room.react("r", 1), room.react("r", 1))
    assert outcomes == [Duplicate(3), Appended((await room.all())[3]), Duplicate(4)]


# ---- handles -----------------------------------------------------------------------------------


def claim(room: Room, owner: int, *candidates: str) -> Claim:
    return Claim(room.name, room.head.epoch, owner.to_bytes(16, "big"), candidates)


async def test_an_owner_keeps_the_first_handle(log: Log, room: Room) -> None:
    assert await log.claim([claim(room, 1, OTTER, HERON)]) == [OTTER]
    assert await log.claim([claim(room, 1, HERON), claim(room, 2, OTTER, HERON)]) == [OTTER, HERON]
    assert await log.claim([claim(room, 3, OTTER, HERON), claim(room, 3)]) == [None, None]


async def test_claims_of_one_batch_see_those_before_them(log: Log, room: Room) -> None:
    claims = [claim(room, 1, OTTER), claim(room, 2, OTTER), claim(room, 1, HERON), claim(room, 2, HERON)]
    assert await log.claim(claims) == [OTTER, None, OTTER, HERON]
    assert await log.claim([]) == []


async def test_a_thousand_who_claim_at_once_each_get_their_own(log: Log, room: Room) -> None:
    """Half of them have a handle already, and all but the first want one that is taken."""
    names = [f"otter-{number}" for number in range(1_000)]
    first = [claim(room, owner, names[owner]) for owner in range(500)]
    assert await log.claim(first) == names[:500]
    everybody = [claim(room, owner, names[0], names[owner]) for owner in range(1_000)]
    assert await log.claim(everybody) == names
    assert await log.claim([claim(room, owner) for owner in range(1_000)]) == names, "and they are kept"
    assert await log.claim([claim(room, 1_000, *names[:3])]) == [None]


async def test_handles_are_of_one_room_and_one_epoch(log: Log, room: Room) -> None:
    other = Room(log, await log.open_room("other"), "other")
    assert await log.claim([claim(room, 1, OTTER), claim(other, 2, OTTER)]) == [OTTER, OTTER]
    old = claim(room, 3, HERON)
    room.head = await log.erase(ROOM)
    assert await log.claim([old, claim(room, 2, OTTER)]) == [None, OTTER]
    assert await log.claim([Claim("unheard-of", "e", bytes(16), (OTTER,))]) == [None]


# ---- forgetting --------------------------------------------------------------------------------


async def test_erasing_begins_a_new_epoch(log: Log, room: Room) -> None:
    other = Room(log, await log.open_room("other"), "other")
    await room.say("a", "b")
    await other.say("c")
    await room.append(room.slow("s", 5))
    old = room.head.epoch
    new = await log.erase(ROOM)
    assert (new.head, new.tail, new.rules_version, new.rules) == (0, 1, 0, Rules())
    assert new.epoch != old
    assert await log.open_room(ROOM) == new
    assert await log.since(ROOM, old, 0, 10) == await log.since(ROOM, new.epoch, 0, 10) == []
    assert await room.append(room.post("late")) == [Stale()]
    room.head = new
    assert seqs(await room.append(room.post("say a", "again"))) == [1]
    assert texts(await room.all()) == ["again"]
    assert texts(await other.all()) == ["c"]
    assert (await log.erase("unheard-of")).head == 0


async def test_who_erases_an_epoch_that_is_gone_erases_nothing(log: Log, room: Room) -> None:
    await room.say("of the first hour")
    old = room.head.epoch
    room.head = await log.erase(ROOM, old)
    assert (room.head.epoch != old, room.head.head) == (True, 0)
    await room.append(room.slow("s", 5))
    await log.claim([claim(room, 1, OTTER)])
    await room.refresh()
    # The second of two who saw the same old epoch comes too late.
    assert await log.erase(ROOM, old) == room.head
    assert await log.erase(ROOM, "never-was") == room.head
    assert len(await room.all()) == 1
    assert await log.claim([claim(room, 1, HERON)]) == [OTTER], "handles are as they were"
    assert (await log.erase("unheard-of", "never-was")).head == 0


async def test_of_many_who_erase_the_same_epoch_one_does(stores: Stores) -> None:
    logs = [(await stores.open()).log for _ in range(3)]
    old = (await logs[0].open_room(ROOM)).epoch
    heads = await asyncio.gather(*(log.erase(ROOM, old) for log in logs for _ in range(3)))
    assert len({head.epoch for head in heads}) == 1
    assert heads[0].epoch != old


async def test_a_room_in_which_nothing_happened_can_be_dropped(log: Log, room: Room) -> None:
    await log.claim([claim(room, 1, OTTER)])
    assert not await log.drop(ROOM, "never-was")
    assert await log.drop(ROOM, room.head.epoch)
    assert (await log.heads([ROOM]), await log.rooms("", 10)) == ({}, [])
    assert not await log.drop(ROOM, room.head.epoch)
    assert await room.append(room.post("late")) == [Stale()]
    old, room.head = room.head.epoch, await log.open_room(ROOM)
    assert room.head.epoch != old
    assert await log.claim([claim(room, 2, OTTER)]) == [OTTER]
    await room.say("it is another one")
    assert not await log.drop(ROOM, room.head.epoch), "something happened in it"
    assert texts(await room.all()) == ["it is another one"]


async def test_what_begins_anew_keeps_its_events_and_nothing_that_anybody_holds(log: Log, room: Room) -> None:
    other = Room(log, await log.open_room("other"), "other")
    await other.say("c")
    await room.say("a", "b")
    await room.append(room.slow("s", 5))
    assert await log.claim([claim(room, 1, OTTER)]) == [OTTER]
    old = room.head.epoch
    new = await log.begin_anew(ROOM)
    assert new.epoch != old
    assert (new.head, new.tail, new.rules_version, new.rules) == (3, 1, 3, Rules(slow_mode_s=5))
    assert await log.open_room(ROOM) == new
    assert await log.since(ROOM, old, 0, 10) == []
    assert await room.append(room.post("late")) == [Stale()]
    room.head = new
    assert texts((await room.all())[:2]) == ["a", "b"]
    assert await log.claim([claim(room, 2, OTTER)]) == [None]
    assert seqs(await room.append(room.post("say a", "not the first a"))) == [4]
    assert texts(await other.all()) == ["c"]
    assert (await log.open_room("other")).epoch == other.head.epoch
    assert (await log.begin_anew("unheard-of")).head == 0


async def test_trimming_forgets_the_oldest_and_goes_on_counting(stores: Stores, log: Log, room: Room) -> None:
    await room.say("a", "b")
    stores.clock.now += 60
    await room.say("c")
    assert await log.trim(ROOM, MINUTE) == 0
    assert await log.trim(ROOM, MINUTE + 60) == 2
    assert await log.trim(ROOM, MINUTE + 60) == 0
    await room.refresh()
    assert (room.head.tail, room.head.head) == (3, 3)
    assert texts(await room.all()) == ["c"]
    assert texts(await log.before(ROOM, room.head.epoch, 3, 10)) == []
    assert await room.append(room.withdraw("w", 1)) == [NotFound()]
    assert await log.trim(ROOM, MINUTE + 61) == 1
    await room.refresh()
    assert (room.head.tail, room.head.head) == (4, 3)
    assert seqs(await room.append(room.post("d"))) == [4]
    assert await log.trim("unheard-of", MINUTE) == 0


async def test_trimming_leaves_no_hole_where_the_clock_was_set_back(
    stores: Stores, log: Log, room: Room
) -> None:
    stores.clock.now = MINUTE + 3600
    await room.say("fast")
    stores.clock.now = MINUTE
    await room.say("right")
    stores.clock.now = MINUTE + 60
    await room.say("young")
    assert await log.trim(ROOM, MINUTE + 60) == 2
    assert texts(await room.all()) == ["young"]


# ---- tokens ------------------------------------------------------------------------------------


async def test_a_token_is_spent_once(stores: Stores, log: Log) -> None:
    one, two = bytes(16), b"\xff" * 16
    assert not await log.spent(one)
    assert await log.spend(one, MINUTE + 90)
    assert await log.spent(one)
    assert not await log.spent(two)
    assert await log.spend(two, MINUTE + 9_999)
    stores.clock.now = MINUTE + 90
    assert await log.spent(one)
    assert not await log.spend(one, MINUTE + 90)
    assert not await log.spend(two, MINUTE + 9_999)
    stores.clock.now = MINUTE + 91
    assert not await log.spent(one)
    assert await log.spend(b"\x01" * 16, MINUTE + 9_999)
    assert not await log.spend(two, MINUTE + 9_999)


async def test_asking_whether_a_token_is_spent_spends_nothing(log: Log) -> None:
    for _ in range(2):
        assert not await log.spent(bytes(16))
    assert await log.spend(bytes(16), MINUTE + 90)


# ---- several nodes on the same data ------------------------------------------------------------


async def test_two_nodes_give_one_order(stores: Stores) -> None:
    logs = [(await stores.open()).log, (await stores.open()).log]
    head = await logs[0].open_room(ROOM)

    async def write(log: Log, by: str) -> list[int | None]:
        room = Room(log, head)
        places: list[int | None] = []
        for number in range(25):
            places += seqs(await room.append(room.post(f"{number}", by=by), room.post(f"{number}'", by=by)))
        return places

    by_node = await asyncio.gather(write(logs[0], OTTER), write(logs[1], HERON), write(logs[0], "third"))
    assert sorted(seq for places in by_node for seq in places if seq is not None) == list(range(1, 151))
    for places in by_node:
        assert places == sorted(seq for seq in places if seq is not None)
    events = await logs[1].since(ROOM, head.epoch, 0, 1_000)
    assert [event.seq for event in events] == list(range(1, 151))


async def test_a_node_sees_what_another_has_appended(stores: Stores) -> None:
    one, two = (await stores.open()).log, (await stores.open()).log
    room = Room(one, await one.open_room(ROOM))
    assert await two.open_room(ROOM) == room.head
    for number in range(1, 6):
        await room.append(room.post(f"{number}"))
        assert (await two.heads([ROOM]))[ROOM].head == number
        assert [event.seq for event in await two.since(ROOM, room.head.epoch, number - 1, 9)] == [number]
        assert await Room(two, room.head).append(room.post(f"{number}")) == [Duplicate(number)]


async def test_rooms_opened_by_all_nodes_at_once_are_one(stores: Stores) -> None:
    logs = [(await stores.open()).log for _ in range(3)]
    heads = await asyncio.gather(*(log.open_room(ROOM) for log in logs for _ in range(3)))
    assert len({head.epoch for head in heads}) == 1


async def test_a_race_for_handles_has_one_winner_each(stores: Stores) -> None:
    logs = [(await stores.open()).log, (await stores.open()).log]
    room = Room(logs[0], await logs[0].open_room(ROOM))
    names = [f"handle-{number}" for number in range(12)]
    claims = [claim(room, owner % 10, *names) for owner in range(20)]
    answers = await asyncio.gather(*(logs[i % 2].claim([each]) for i, each in enumerate(claims)))
    handles = [handle for (handle,) in answers]
    assert handles[:10] == handles[10:]
    assert set(handles[:10]) == set(names[:10])


async def test_a_race_to_spend_has_one_winner(stores: Stores) -> None:
    logs = [(await stores.open()).log, (await stores.open()).log]
    wins = await asyncio.gather(*(logs[i % 2].spend(bytes(16), MINUTE + 60) for i in range(10)))
    assert wins.count(True) == 1
    assert [await log.spent(bytes(16)) for log in logs] == [True, True]


async def test_a_rule_change_on_one_node_makes_the_others_decide_again(stores: Stores) -> None:
    one, two = (await stores.open()).log, (await stores.open()).log
    room = Room(one, await one.open_room(ROOM))
    posts = [Room(two, room.head).post(f"{number}") for number in range(20)]
    results = await asyncio.gather(room.append(room.slow("s", 5)), *(two.append([post]) for post in posts))
    events = await room.all()
    changed = next(event.seq for event in events if isinstance(event, Slowed))
    assert events[-1].seq == changed  # nothing decided under the old rules stands after the new ones
    stale = sum(outcome == Stale() for (outcome,) in results)
    assert len(events) + stale == 21


async def test_a_draft_holds_only_under_the_rules_of_the_other_rooms_it_names(log: Log, room: Room) -> None:
    group = Room(log, await log.open_room("quiet-hour~group.1.0"), "quiet-hour~group.1.0")

    def said(key: str, version: int | None = None) -> Draft:
        under = room.head.rules_version if version is None else version
        return msgspec.structs.replace(group.post(key), also=((ROOM, room.head.epoch, under),))

    assert seqs(await log.append([said("1")])) == [1]
    # In one batch with what forbids it, it is the order in the batch that counts.
    outcomes = await log.append([said("2"), room.slow("s", 5), said("3")])
    assert (seqs(outcomes[:2]), outcomes[2]) == ([2, 1], Stale())
    assert await log.append([said("3")]) == [Stale()]
    assert await log.append([said("1")]) == [Duplicate(1)], "kept before: that stands, whatever holds now"
    await room.refresh()
    assert seqs(await log.append([said("3")])) == [3]
    elsewhere = msgspec.structs.replace(group.post("4"), also=(("unheard-of", "no-epoch", 0),))
    assert await log.append([elsewhere]) == [Stale()]
    await log.erase(ROOM)
    assert await log.append([said("5", version=0)]) == [Stale()], "the epoch it was decided under is gone"


async def test_what_waited_is_blank_when_it_was_decided_whoever_wrote_it(room: Room) -> None:
    held = Held(room=ROOM, handle=OTTER, key="k", text="May I?")
    decided = Decided(room=ROOM, handle=HERON, target=1, yes=False)
    head = room.head
    await room.append(
        Draft(held, head.epoch, 0, "1"),
        Draft(decided, head.epoch, 0, "d", withdraws=1),
        room.post("2", by=OTTER),
    )
    first, second, _ = await room.all()
    assert (first, second.seq) == (msgspec.structs.replace(held, seq=1, at=MINUTE, text=""), 2)
    again = msgspec.structs.replace(decided, target=3)
    outcomes = await room.append(Draft(again, head.epoch, 0, "e", withdraws=3))
    assert outcomes == [NotYours()], "a decision takes back nobody's post"


# ---- closing -----------------------------------------------------------------------------------


async def test_a_closed_log_says_so(log: Log, room: Room) -> None:
    await log.close()
    await log.close()
    with pytest.raises(LogUnavailable):
        await room.append(room.post("1"))
    with pytest.raises(LogUnavailable):
        await room.all()
    with pytest.raises(LogUnavailable):
        await log.claim([claim(room, 1, OTTER)])
    with pytest.raises(LogUnavailable):
        await log.spent(bytes(16))
