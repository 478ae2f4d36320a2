"""The whole way of a staff pass, over HTTP and the wire: who gets one, who comes in, and what nothing ties.

One server for all; whoever needs a pass of their own is somebody else each time.
"""

import itertools
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from chatd.passes.blind_rsa import BlindSigner
from chatd.passes.keys import PATH
from chatd.settings import load_secret
from chatd.tickets import Role, Tickets
from rooms.catalog import RoomSpec
from tests.chatd.passes.asking import Json, Wish, ask, get_pass, key_of, read, wanted, written
from tests.chatd.whole import ROOM, Whole, command, join, post, whole

ANNA: Final = "canary-anna"
WAIT_S: Final = 40
TEA: Final = "tea"

pytestmark = pytest.mark.asyncio(loop_scope="module")
_numbers: Final = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(tmp_path_factory.mktemp("pass"), open=False, pass_wait_s=WAIT_S) as chat:
        for name in (ROOM, TEA):
            await chat.node.catalog.add(RoomSpec(name=name, title=name, door="pass"))
        await chat.node.passes.look()
        yield chat


def somebody() -> str:
    return f"{ANNA}-{next(_numbers)}"


def ticket(chat: Whole, subject: str | None, role: Role = "participant", room: str = ROOM) -> str:
    tickets = Tickets(load_secret(chat.node.settings))
    return tickets.issue(room, role, expires_at=int(time.time()) + 600, subject=subject)


async def wish_for(chat: Whole, room: str = ROOM) -> Wish:
    told = await wanted(chat.http, room)
    return Wish(key_of({"keys": [told["key"]]}).public(), room, told["period"])


async def refused(chat: Whole, **proof: str) -> str:
    answer = await chat.ask("/poll", {"join": join(**proof)})
    frame = answer.json()["frames"][0]
    assert frame["t"] == "error", frame
    code: str = frame["code"]
    return code


# ---- the issuer ------------------------------------------------------------------------------------


async def test_a_room_says_which_pass_it_asks_for_and_the_issuer_has_the_same_key(chat: Whole) -> None:
    told = await wanted(chat.http, ROOM)
    answer = await chat.http.get(PATH)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers
    assert told["key"] in answer.json()["keys"]
    assert told["begins_at"] <= time.time() < told["ends_at"]
    assert (told["issuer"], told["wait_s"]) == ("", WAIT_S)
    assert (await chat.http.get(f"/api/rooms/{ROOM}")).json()["door"] == "pass"
    page = await chat.http.get(f"/room/{ROOM}")
    assert ' data-door="pass"' in page.text
    for path in ("/api/rooms/no-such-room/pass", "/api/rooms/..%2f/pass", "/issuer/other"):
        assert (await chat.http.get(path)).status_code == 404


async def test_who_does_not_say_who_they_are_gets_no_pass(chat: Whole) -> None:
    wish, who = await wish_for(chat), somebody()
    foreign = Tickets(b"\1" * 32).issue(ROOM, "participant", expires_at=2**31, subject=who)
    # Clocks differ, so a door would take this one still; to be told of another room would lead nobody on.
    late = Tickets(load_secret(chat.node.settings)).issue(
        ROOM, "participant", expires_at=int(time.time()) - 5, subject=who
    )
    for given in (None, "nonsense", ticket(chat, None), foreign, late):
        answer = await ask(chat.http, wish, given)
        assert (answer.status_code, answer.json()["code"]) == (401, "identity_needed")
    answer = await ask(chat.http, wish, ticket(chat, who, room=TEA))
    assert (answer.status_code, answer.json()["code"]) == (403, "ticket_refused")
    answer = await ask(chat.http, wish, ticket(chat, who), origin="https://elsewhere.example.org")
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert (await ask(chat.http, wish, ticket(chat, who))).status_code == 200, "none of these was counted"


async def test_one_person_gets_one_pass(chat: Whole) -> None:
    first, second, who = await wish_for(chat), await wish_for(chat), somebody()
    # Another ticket, the same person; and the very same number, because an answer was lost.
    assert (await ask(chat.http, first, ticket(chat, who))).status_code == 200
    assert (await ask(chat.http, first, ticket(chat, who))).status_code == 200
    answer = await ask(chat.http, second, ticket(chat, who))
    assert (answer.status_code, answer.json()["code"]) == (409, "pass_taken")
    assert who not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"room": ROOM},
        {"room": ROOM, "period": "x", "blinded": "AA", "name": "more"},
        {"room": ROOM, "period": "x", "blinded": "A"},
        {"room": ROOM, "period": "x", "blinded": "A+"},
        {"room": ROOM, "period": "x", "blinded": "A" * 900},
        [],
    ],
    ids=["short", "more", "no base64", "no base64url", "long", "a list"],
)
async def test_what_is_no_request_is_refused_and_not_repeated(chat: Whole, body: object) -> None:
    answer = await chat.ask("/issuer/pass", body, authorization=f"Bearer {ticket(chat, ANNA)}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")


async def test_a_malformed_number_is_refused_and_costs_nothing(chat: Whole) -> None:
    told = await wanted(chat.http, ROOM)
    key, who = key_of({"keys": [told["key"]]}), somebody()
    n = key.public().public_numbers().n
    for number in (0, n, n + 1):
        body = {"room": ROOM, "period": told["period"], "blinded": written(number.to_bytes(384))}
        answer = await chat.ask("/issuer/pass", body, authorization=f"Bearer {ticket(chat, who)}")
        assert (answer.status_code, answer.json()["code"]) == (400, "pass_malformed")
    await get_pass(chat.http, ROOM, ticket(chat, who))


# ---- the door --------------------------------------------------------------------------------------


async def test_a_pass_comes_in_and_a_participants_ticket_does_not(chat: Whole) -> None:
    assert await refused(chat) == "pass_needed"
    assert await refused(chat, ticket=ticket(chat, somebody())) == "pass_needed"
    assert await refused(chat, **{"pass": "20261122T030000Z." + "A" * 400}) == "pass_refused"
    token = await get_pass(chat.http, ROOM, ticket(chat, somebody()))
    joined = (await chat.poll(join(**{"pass": token}))).joined
    assert "role" not in joined
    runs = (await chat.poll(join(ticket=ticket(chat, ANNA, "facilitator")))).joined
    assert runs["role"] == "facilitator"
    again = (await chat.poll(join(seat=joined["seat"]))).joined
    assert again["handle"] == joined["handle"], "and back by the seat, as everywhere"


async def test_a_pass_of_another_room_does_not_come_in(chat: Whole) -> None:
    token = await get_pass(chat.http, TEA, ticket(chat, somebody(), room=TEA))
    assert await refused(chat, **{"pass": token}) == "pass_refused"


async def test_two_hundred_seats_from_one_pass_are_one(chat: Whole) -> None:
    token = await get_pass(chat.http, ROOM, ticket(chat, somebody()))
    before = chat.node.counts().get(ROOM, 0)
    drawn = (await chat.poll(join(**{"pass": token}))).joined["handle"]
    handles, codes = set(), set()
    for _ in range(200):
        answer = await chat.ask("/poll", {"join": join(**{"pass": token})})
        frame = answer.json()["frames"][0]
        handles |= {frame.get("handle", drawn)}
        codes |= {frame.get("code")}
    assert handles == {drawn}
    assert codes == {None, "too_many_connections"}
    assert chat.node.counts() == {ROOM: before + 1}


async def test_in_the_next_epoch_the_same_pass_is_somebody_else(chat: Whole) -> None:
    """One pass is good for its period; who had it before the room was erased, nobody can say after."""
    token = await get_pass(chat.http, ROOM, ticket(chat, somebody()))
    first = (await chat.poll(join(**{"pass": token}))).joined
    await chat.node.log.erase(ROOM)
    await chat.node.hub.catch_up(await chat.node.hub.open(ROOM))
    second = (await chat.poll(join(**{"pass": token}))).joined
    assert second["epoch"] != first["epoch"]
    assert second["handle"] != first["handle"]


# ---- that nothing ties the two ------------------------------------------------------------------------


def values(said: object) -> set[str]:
    """Every text and number of eight digits and more in a transcript, in all the forms it may stand in."""
    if isinstance(said, dict):
        return set().union(*map(values, said.values()))
    if isinstance(said, list):
        return set().union(*map(values, said))
    if isinstance(said, int | str) and len(str(said)) >= 8:
        text = str(said)
        return {text, *text.split(".")}
    return set()


async def test_what_the_issuer_saw_and_what_the_room_saw_share_nothing(chat: Whole) -> None:
    wish, name = await wish_for(chat), somebody()
    who = ticket(chat, name)
    answer = await ask(chat.http, wish, who)
    shown = wish.finished(read(answer.json()["blind_signature"]))
    issuer: Json = {
        "who": [who, name],
        "asked": written(wish.seen),
        "answered": answer.json(),
        "headers": dict(answer.headers),
    }
    entered = join(**{"pass": shown.token})
    polled = await chat.poll(entered)
    said = post("a quiet sentence")
    room: Json = {
        "entered": entered,
        "told": polled.frames,
        "said": said,
        "answered": await chat.send(said, seat=polled.joined["seat"]),
        "left": await chat.send(command("away", away=True), seat=polled.joined["seat"]),
    }
    common = {wish.period, ROOM}
    theirs, ours = values(issuer) - common, values(room) - common
    in_room, at_issuer = json.dumps(room), json.dumps(issuer)
    assert not [value for value in theirs if value in in_room]
    assert not [value for value in ours if value in at_issuer]
    # Also as bytes, in whole or in part: no 16 bytes of what was signed are in the pass.
    seen = wish.seen + read(answer.json()["blind_signature"])
    had = shown.prefix + shown.nonce + shown.signature
    assert not any(seen[at : at + 16] in had for at in range(len(seen) - 15))
    # The rooms' store has nothing of the issuer's, nor the issuer's of the rooms'.
    for path in (path for path in files(chat.node.settings.data) if path.is_file()):
        kept = path.read_bytes()
        foreign = (*theirs, ANNA) if "issuer" not in path.parts else (*ours,)
        assert not [value for value in foreign if value.encode() in kept], path.name
        assert shown.nonce not in kept
        assert shown.nullifier.encode() not in kept


def files(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


async def test_what_is_asked_with_a_key_of_ones_own_is_no_pass(chat: Whole) -> None:
    """An issuer that would sign for one person under a key of their own makes nothing that opens the room."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    told = await wanted(chat.http, ROOM)
    signer = BlindSigner(generate_private_key(public_exponent=65537, key_size=3072))
    wish = Wish(signer.public, ROOM, told["period"])
    shown = wish.finished(signer.sign(wish.seen))
    assert await refused(chat, **{"pass": shown.token}) == "pass_refused"
