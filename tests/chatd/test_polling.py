"""POST /poll on real servers: answers that are lost, given again, taken over, moved and closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatd import links, polling
from chatd.wire import CloseCode
from tests.chatd.whole import ROOM, Frame, Polled, Whole, join, post, proof, whole
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import until

LINK = "A" * 22


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(tmp_path, post_per_s=0) as chat:
        yield chat


async def speaker(chat: Whole) -> str:
    """The seat of somebody else, who is in the room already."""
    seat: str = (await chat.poll(join())).joined["seat"]
    return seat


def elapsed() -> float:
    return asyncio.get_running_loop().time()


# ---- answers -----------------------------------------------------------------------------------


async def test_a_poll_is_answered_when_there_is_something(chat: Whole) -> None:
    other = await speaker(chat)
    first = await chat.poll(join())
    assert first.link.replace("-", "_").isidentifier() or first.link[0].isdigit()
    assert len(first.link) == 22
    waiting = asyncio.create_task(chat.poll(join(**proof(first.joined)), link=first.link, got=first.n))
    await until(lambda: len(chat.node.gateway.connections) == 2, "both are in")
    await chat.send(post("one"), seat=other)
    second = await waiting
    while "one" not in second.texts():  # presence may come first
        second = await chat.poll(join(**proof(first.joined)), link=second.link, got=second.n)
    assert second.link == first.link
    assert second.n != first.n


async def test_what_one_turn_brings_comes_in_one_answer(chat: Whole) -> None:
    other = await speaker(chat)
    first = await chat.poll(join())
    await chat.send(*(post(str(number)) for number in range(10)), seat=other)
    second = await chat.poll(join(), link=first.link, got=first.n)
    assert second.texts() == [str(number) for number in range(10)]


async def test_where_nothing_happens_it_says_so_in_time(chat: Whole) -> None:
    first = await chat.poll(join())
    begun = elapsed()
    second = await chat.poll(join(), link=first.link, got=first.n, wait_s=0.3)
    assert 0.29 < elapsed() - begun < 5
    assert (second.frames, second.n, second.close) == ([], first.n, None)
    third = await chat.poll(join(), link=first.link, got=second.n, wait_s=0)
    assert third.frames == []


async def test_answers_keep_their_distance_in_a_lively_room(
    chat: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "GATHER_S", 2.0)
    other = await speaker(chat)
    begun = elapsed()
    first = await chat.poll(join())
    await chat.send(post("one"), seat=other)
    second = await chat.poll(join(), link=first.link, got=first.n)
    assert elapsed() - begun >= 2.0
    assert "one" in second.texts()


# ---- answers that are lost ---------------------------------------------------------------------


async def test_a_lost_answer_is_given_again_as_it_was(chat: Whole) -> None:
    other = await speaker(chat)
    first = await chat.poll(join())
    await chat.send(post("one"), seat=other)
    lost = await chat.poll(join(), link=first.link, got=first.n)
    await chat.send(post("two"), seat=other)
    again = await chat.poll(join(), link=first.link, got=first.n)
    # One number, one content: of two answers to a request that a proxy doubled only one arrives.
    assert (again.n, again.frames) == (lost.n, lost.frames)
    after = await chat.poll(join(), link=first.link, got=again.n, wait_s=0)
    assert after.texts() == ["two"]
    last = await chat.poll(join(), link=first.link, got=after.n, wait_s=0)
    assert last.frames == []


async def test_even_the_first_answer_can_be_asked_for_again(chat: Whole) -> None:
    """With a link of one's own. The join is done once, which matters where a ticket works once."""
    lost = await chat.poll(join(), link=LINK)
    again = await chat.poll(join(), link=LINK)
    assert (again.n, again.frames[0]) == (lost.n, lost.frames[0])
    assert len(chat.node.gateway.connections) == 1
    assert chat.connected_by("polling") == 1


async def test_a_later_poll_takes_over(chat: Whole) -> None:
    other = await speaker(chat)
    first = await chat.poll(join())
    held = asyncio.create_task(chat.poll(join(), link=first.link, got=first.n))
    link = chat.node.links.known(first.link, first.n)
    assert link is not None
    await until(lambda: link.parked_at is None, "it is held")
    later = asyncio.create_task(chat.poll(join(), link=first.link, got=first.n))
    assert (await held).frames == []
    await chat.send(post("for the later one"), seat=other)
    polled = await later
    while "for the later one" not in polled.texts():  # presence may come first
        polled = await chat.poll(join(), link=first.link, got=polled.n)


async def test_being_taken_over_confirms_nothing(chat: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    """The poll that was taken over must not have a number that says that what it did not bring has come."""
    monkeypatch.setattr(links, "GATHER_S", 1.0)
    other = await speaker(chat)
    first = await chat.poll(join())
    await chat.send(post("one"), seat=other)
    lost = await chat.poll(join(), link=first.link, got=first.n)
    polls = [asyncio.create_task(chat.poll(join(), link=first.link, got=first.n)) for _ in range(2)]
    answers = sorted([await poll for poll in polls], key=lambda polled: len(polled.frames))
    assert (answers[0].frames, answers[0].n) == ([], first.n)
    assert (answers[1].texts(), answers[1].n) == (["one"], lost.n)


async def test_who_gives_up_loses_nothing(chat: Whole) -> None:
    other = await speaker(chat)
    first = await chat.poll(join())
    held = asyncio.create_task(chat.poll(join(), link=first.link, got=first.n))
    link = chat.node.links.known(first.link, first.n)
    assert link is not None
    await until(lambda: link.parked_at is None, "it is held")
    held.cancel()
    await asyncio.wait([held])
    await until(lambda: link.parked_at is not None, "the server has noticed")
    await chat.send(post("meanwhile"), seat=other)
    assert "meanwhile" in (await chat.poll(join(), link=first.link, got=first.n)).texts()


# ---- the end -----------------------------------------------------------------------------------


async def test_a_link_that_is_parked_for_too_long_is_closed(tmp_path: Path) -> None:
    async with whole(tmp_path, poll_park_s=0.3) as chat:
        first = await chat.poll(join())
        await until(lambda: not chat.node.gateway.connections, "it is closed")
        assert chat.connected_by("polling") == 0
        assert chat.node.hub.live[ROOM].members == 0
        again = await chat.poll(join(**proof(first.joined)), link=first.link, got=first.n, wait_s=0)
        assert again.joined["handle"] == first.joined["handle"]
        assert again.joined["recovered"]


async def test_who_polls_is_not_parked(tmp_path: Path) -> None:
    async with whole(tmp_path, poll_park_s=0.3) as chat:
        first = await chat.poll(join())
        second = await chat.poll(join(), link=first.link, got=first.n, wait_s=2.5)
        assert second.frames == []
        assert len(chat.node.gateway.connections) == 1


async def test_a_refused_join_is_the_end_of_its_link(chat: Whole) -> None:
    refused = await chat.poll(join(seat="forged"), link=LINK)
    assert [frame["code"] for frame in refused.frames] == ["seat_refused"]
    assert refused.close is not None
    assert chat.connected_by("polling") == 0
    assert (await chat.poll(join(), link=LINK)).joined


async def test_a_drain_answers_who_waits_and_tells_who_comes_next(tmp_path: Path) -> None:
    async with whole(tmp_path, drain_s=1.0) as chat:
        first, second = await chat.poll(join()), await chat.poll(join())
        held = asyncio.create_task(chat.poll(join(), link=first.link, got=first.n))
        chat.server.should_exit = True
        frames: list[Frame] = []
        polled = await held
        while True:
            frames += polled.frames
            if polled.close is not None:
                break
            polled = await chat.poll(join(), link=first.link, got=polled.n)
        assert polled.close["code"] == CloseCode.GOING
        assert "going" in {frame["t"] for frame in frames}
        assert second.link != first.link


async def test_who_is_parked_for_too_much_is_cut_and_goes_on(tmp_path: Path) -> None:
    async with whole(tmp_path, max_buffer_bytes=65536, post_per_s=0) as chat:
        other, first = await speaker(chat), await chat.poll(join())
        for _ in range(3):
            await chat.send(*(post("x" * 3900) for _ in range(15)), seat=other)
        cut = await chat.poll(join(), link=first.link, got=first.n)
        assert cut.close is not None
        assert (cut.frames, cut.close["code"]) == ([], CloseCode.TOO_SLOW)
        assert chat.node.metrics.slow_readers_cut.value >= 1
        back = await chat.poll(join(**proof(first.joined)))
        assert back.joined["head"] == 45


async def test_an_erased_room_says_so_and_ends_the_link(chat: Whole) -> None:
    first = await chat.poll(join())
    await chat.node.log.erase(ROOM)
    await chat.node.hub.compare_with_log()
    told = await chat.poll(join(), link=first.link, got=first.n)
    assert [frame["t"] for frame in told.frames] == ["erased"]
    assert told.close == {"code": 1000, "reason": "no seat is held here any more"}


# ---- from node to node -------------------------------------------------------------------------


@pytest.fixture
async def nodes(tmp_path: Path, valkey: Valkey) -> AsyncIterator[list[Whole]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(whole(tmp_path, redis=valkey.url, post_per_s=0)) for _ in range(2)
        ]


class Wanderer:
    """Somebody whose every poll comes to the next node, as behind a proxy that deals them out."""

    def __init__(self, nodes: list[Whole]) -> None:
        self.nodes = nodes
        self.turn = 0
        self.link: str | None = None
        self.got: int | None = None
        self.held: Frame = {}
        self.texts: list[str] = []
        self.joins = 0

    async def poll(self, wait_s: float = 5.0) -> Polled:
        node = self.nodes[self.turn % len(self.nodes)]
        self.turn += 1
        fields = {
            name: value for name, value in (("link", self.link), ("got", self.got)) if value is not None
        }
        polled = await node.poll(join(**self.held), wait_s=wait_s, **fields)
        self.link, self.got = polled.link, polled.n
        for frame in polled.frames:
            if frame["t"] == "joined":
                assert not self.held or frame["recovered"]
                self.joins += 1
                self.take(frame["events"])
                self.held = proof(frame)
            else:
                self.take([frame] if "seq" in frame else [])
        return polled

    def take(self, events: list[Frame]) -> None:
        for event in events:
            assert event["seq"] == self.held.get("after", 0) + 1
            self.held["after"] = event["seq"]
            self.texts.append(event["text"])


async def test_every_poll_may_come_to_another_node(nodes: list[Whole]) -> None:
    other = await speaker(nodes[0])
    wanderer = Wanderer(nodes)
    await wanderer.poll()
    for number in range(6):
        await nodes[number % 2].send(post(str(number)), seat=other)
        while len(wanderer.texts) <= number:
            await wanderer.poll()
    assert wanderer.texts == [str(number) for number in range(6)]
    assert wanderer.joins > 2
    for node in nodes:
        assert node.connected_by("polling") <= 2, "one connection of a link on each node"


async def test_a_node_that_has_nothing_new_lets_a_wanderer_wait(nodes: list[Whole]) -> None:
    """Or the polls of everybody behind such a proxy would go round as fast as the network lets them."""
    wanderer = Wanderer(nodes)
    await wanderer.poll()
    begun = elapsed()
    polled = await wanderer.poll(wait_s=1.0)
    assert elapsed() - begun > 0.9 or len(polled.frames) > 1
    assert wanderer.joins == 2


async def test_a_node_does_not_go_on_from_where_another_was(nodes: list[Whole]) -> None:
    """What was given there is not given again here: a link is joined anew where its number is not ours."""
    other = await speaker(nodes[0])
    wanderer = Wanderer(nodes)
    await wanderer.poll()
    await nodes[0].send(post("one"), seat=other)
    while len(wanderer.texts) < 1:
        await wanderer.poll()
    await nodes[0].send(post("two"), seat=other)
    for _ in range(4):
        await wanderer.poll(wait_s=0.1)
    assert wanderer.texts == ["one", "two"]


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"join": {}},
        {"join": post("no join")},
        {"join": join(), "link": "short"},
        {"join": join(), "link": "A" * 65},
        {"join": join(), "link": "A" * 21 + "/"},
        {"join": join(), "wait_s": -1},
        {"join": join(), "got": "1"},
        {"join": join(), "more": 1},
    ],
)
async def test_what_cannot_be_read_opens_nothing(chat: Whole, body: Frame) -> None:
    answer = await chat.ask("/poll", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")
    assert "no join" not in answer.text
    assert not chat.node.gateway.connections


async def test_nobody_waits_longer_than_a_proxy_does(chat: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "WAIT_S", 0.2)
    first = await chat.poll(join())
    begun = elapsed()
    await chat.poll(join(), link=first.link, got=first.n, wait_s=3600)
    assert elapsed() - begun < 10
