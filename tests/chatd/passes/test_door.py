"""The door of a room that asks for staff passes, told at the node's desk: in a session, and over its end."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from chatd.passes.blind_rsa import BlindSigner
from chatd.passes.keys import published
from chatd.passes.periods import period_at
from chatd.wire import ErrorCode
from tests.chatd.desk import NAMED, Desk, story
from tests.chatd.hour import LOBBY_S, ROOM, Hour, room_of
from tests.chatd.passes.asking import signed_by

__all__ = ["NAMED"]

DAY = 24 * 3600
OLD, NEW = "20260101T030000Z", "20260102T030000Z"


async def session_with_passes(desk: Desk, turn_after_s: int = DAY // 2) -> tuple[Hour, BlindSigner]:
    """A session, and passes of two periods: `OLD` ends so long after its planned start, `NEW` follows."""
    hour = Hour(desk)
    series = await hour.plan(in_minutes=20, open=False)
    await desk.catalog.change(msgspec.structs.replace(room_of(series), door="pass"))
    signer = BlindSigner(generate_private_key(public_exponent=65537, key_size=2048))
    turn = hour.starts_at + turn_after_s
    desk.node.passes.believed.learn(
        [
            published(signer.public, ROOM, label, begins_at, begins_at + DAY)
            for label, begins_at in ((OLD, turn - DAY), (NEW, turn))
        ]
    )
    return hour, signer


# A desk gives no passes: what is believed is what the story learns.
@story(
    ErrorCode.PASS_NEEDED,
    ErrorCode.PASS_REFUSED,
    ErrorCode.NOT_OPEN,
    ErrorCode.REMOVED,
    open=False,
)
async def test_who_was_removed_stays_out_with_the_same_pass(desk: Desk) -> None:
    hour, signer = await session_with_passes(desk)
    first, second, third = (signed_by(signer, ROOM, OLD).token for _ in range(3))
    following = signed_by(signer, ROOM, NEW).token
    early = desk.connects("early")
    for token in (first, following):  # whatever it is: there is nothing to come into
        assert (await early.refused("join", ROOM, **{"pass": token}))["code"] == ErrorCode.NOT_OPEN
    await hour.reach(hour.starts_at - LOBBY_S)
    lead = await hour.facilitator()
    nobody = desk.connects("nobody")
    assert (await nobody.refused("join", ROOM))["code"] == ErrorCode.PASS_NEEDED
    named = desk.ticket("participant", ROOM, subject="canary")
    assert (await nobody.refused("join", ROOM, ticket=named))["code"] == ErrorCode.PASS_NEEDED
    assert (await nobody.refused("draw", ROOM, ticket=named))["code"] == ErrorCode.PASS_NEEDED
    assert (await nobody.refused("join", ROOM, **{"pass": following}))["code"] == ErrorCode.PASS_REFUSED
    anna = await desk.comes("anna", None, ROOM, **{"pass": first})
    ben = await desk.comes("ben", None, ROOM, **{"pass": second})
    clio = await desk.comes("clio", None, ROOM, **{"pass": third})
    for person in (anna, ben, clio):
        await person.asks("accept", ROOM)
    tablet = await desk.comes("anna's tablet", None, ROOM, **{"pass": first})
    assert tablet.joined["handle"] == anna.joined["handle"], "one pass, one person"
    assert len({person.joined["handle"] for person in (anna, ben, clio)}) == 3
    await hour.reach(hour.starts_at + 6 * 60)
    await lead.asks(
        "restrict", ROOM, whose=anna.joined["handle"], limit="remove", rule="kindness", reason="Enough"
    )
    await desk.passes(2)
    phone = desk.connects("anna's phone")
    assert (await phone.refused("join", ROOM, **{"pass": first}))["code"] == ErrorCode.REMOVED
    assert (await ben.asks("post", ROOM, text="I am still here"))["t"] == "ok"


@story(ErrorCode.PASS_REFUSED, open=False)
async def test_a_session_goes_on_over_a_turn_with_the_passes_it_began_with(desk: Desk) -> None:
    """Else whoever was removed before the turn would come back after it, as somebody new."""
    minutes = 8
    hour, signer = await session_with_passes(desk, turn_after_s=minutes * 60)

    def shown(label: str) -> dict[str, str]:
        return {"pass": signed_by(signer, ROOM, label).token}

    await hour.reach(hour.starts_at - LOBBY_S)
    await hour.facilitator()
    people = [await desk.comes(name, None, ROOM, **shown(OLD)) for name in ("anna", "ben")]
    for person in people:
        await person.asks("accept", ROOM)
    await hour.reach(hour.starts_at + (minutes + 1) * 60)
    assert await hour.phase() == "open"
    late = desk.connects("late")
    assert (await late.refused("join", ROOM, **shown(NEW)))["code"] == ErrorCode.PASS_REFUSED
    await late.asks("join", ROOM, **shown(OLD))


@story(ErrorCode.BUSY, open=False)
async def test_before_the_keys_are_known_nobody_hears_that_their_pass_is_bad(desk: Desk) -> None:
    """A page would throw it away, and there is one per period."""
    await desk.adds("tea", open=False, door="pass")
    signer = BlindSigner(generate_private_key(public_exponent=65537, key_size=2048))
    period = period_at(desk.wall(), DAY)
    token = signed_by(signer, "tea", period.label).token
    anna = desk.connects("anna")
    refused = await anna.refused("join", "tea", **{"pass": token})
    assert refused["code"] == ErrorCode.BUSY
    assert refused["retry_after_s"] > 0
    key = published(signer.public, "tea", period.label, period.begins_at, period.ends_at)
    desk.node.passes.believed.learn([key])
    await anna.asks("join", "tea", **{"pass": token})


@story(open=True)
async def test_where_everybody_may_come_in_nobody_needs_a_pass(desk: Desk) -> None:
    await desk.adds("tea", open=False, door="pass")
    anna = desk.connects("anna")
    await anna.asks("join", "tea")
