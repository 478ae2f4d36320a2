"""The issuer: one pass a person, room and period; nothing else is signed; what is over ties to nobody."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatd.epochs.keystore_files import FileKeyStore
from chatd.epochs.master_key import Masters
from chatd.passes.issuer import NotIssued, PassIssuer, Why
from chatd.passes.keys import PassKey
from chatd.passes.periods import GRACE_S, period_at
from chatd.passes.store_sqlite import MAX_REPEATS, NAME
from tests.chatd.passes.asking import Wish

ROOM = "night"
DAY = 24 * 3600
ANNA, BEN = "canary-anna", "canary-ben"


class Clock:
    def __init__(self) -> None:
        self.now = float(period_at(1_795_350_000, DAY).begins_at + 3600)

    def __call__(self) -> float:
        return self.now


def issuer(folder: Path, clock: Clock) -> PassIssuer:
    keys = FileKeyStore(folder / "keys", lambda: Masters([b"\1" * 32]), clock)
    return PassIssuer(folder, keys, period_s=DAY, clock=clock, bits=2048)


def key_now(issuing: PassIssuer, clock: Clock, room: str = ROOM) -> PassKey:
    return next(
        key for key in issuing.published() if key.room == room and key.begins_at <= clock() < key.ends_at
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuing(tmp_path: Path, clock: Clock) -> PassIssuer:
    issuing = issuer(tmp_path, clock)
    await issuing.prepare([ROOM, "tea"])
    return issuing


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def wish(issuing: PassIssuer, clock: Clock, room: str = ROOM) -> Wish:
    key = key_now(issuing, clock, room)
    return Wish(key.public(), room, key.period)


async def refusal(issuing: PassIssuer, asked: Wish, subject: str) -> Why:
    with pytest.raises(NotIssued) as refused:
        await issuing.issue(asked.room, asked.period, subject, asked.seen)
    return refused.value.why


async def test_a_person_has_one_pass_a_room_and_period(issuing: PassIssuer, clock: Clock) -> None:
    first, second, tea = wish(issuing, clock), wish(issuing, clock), wish(issuing, clock, "tea")
    answer = await issuing.issue(ROOM, first.period, ANNA, first.seen)
    shown = first.finished(answer)
    assert shown.is_good(ROOM, first.public)
    assert await issuing.issue(ROOM, first.period, ANNA, first.seen) == answer, "an answer may be lost"
    assert await refusal(issuing, second, ANNA) is Why.TAKEN
    second.finished(await issuing.issue(ROOM, second.period, BEN, second.seen))
    tea.finished(await issuing.issue("tea", tea.period, ANNA, tea.seen))


async def test_the_same_again_is_signed_so_often_and_no_more(issuing: PassIssuer, clock: Clock) -> None:
    asked = wish(issuing, clock)
    for _ in range(MAX_REPEATS + 1):
        await issuing.issue(ROOM, asked.period, ANNA, asked.seen)
    assert await refusal(issuing, asked, ANNA) is Why.TAKEN


async def test_what_is_no_number_of_the_key_is_not_signed_and_costs_nobody_their_pass(
    issuing: PassIssuer, clock: Clock
) -> None:
    asked = wish(issuing, clock)
    n = asked.public.public_numbers().n
    for bad in (0, n, n + 1, 2**2048 - 1):
        asked.seen = bad.to_bytes(256)
        assert await refusal(issuing, asked, ANNA) is Why.BAD
    for raw in (b"", b"\1", bytes(255) + b"\2\0", bytes(100_000)):
        asked.seen = raw
        assert await refusal(issuing, asked, ANNA) is Why.BAD
    good = wish(issuing, clock)
    good.finished(await issuing.issue(ROOM, good.period, ANNA, good.seen))


async def test_a_signature_that_came_out_wrong_is_not_let_go(issuing: PassIssuer, clock: Clock) -> None:
    asked = wish(issuing, clock)
    signer = issuing._held[ROOM, asked.period].signer
    right, signer._d = signer._d, signer._d ^ 4  # a bit that flipped in memory
    assert await refusal(issuing, asked, ANNA) is Why.AWAY
    signer._d = right
    asked.finished(await issuing.issue(ROOM, asked.period, ANNA, asked.seen))


async def test_nothing_is_signed_for_another_room_or_period(issuing: PassIssuer, clock: Clock) -> None:
    asked = wish(issuing, clock)
    for room, period in (("cafe", asked.period), (ROOM, "20200101T000000Z"), (ROOM, "")):
        with pytest.raises(NotIssued) as refused:
            await issuing.issue(room, period, ANNA, asked.seen)
        assert refused.value.why is Why.NO_KEY


async def test_processes_that_share_a_folder_have_one_key_and_one_count(
    tmp_path: Path, clock: Clock, issuing: PassIssuer
) -> None:
    other = issuer(tmp_path, clock)
    await other.prepare([ROOM, "tea"])
    assert other.published() == issuing.published()
    first, second = wish(issuing, clock), wish(other, clock)
    await issuing.issue(ROOM, first.period, ANNA, first.seen)
    assert await refusal(other, second, ANNA) is Why.TAKEN


async def test_keys_stay_over_a_restart_and_the_next_are_published_ahead(
    tmp_path: Path, clock: Clock, issuing: PassIssuer
) -> None:
    before = {(key.room, key.period): key.n for key in issuing.published()}
    assert len(before) == 4, "of each room the present ones and the next"
    clock.now += DAY
    later = issuer(tmp_path, clock)
    await later.prepare([ROOM])
    assert before[ROOM, key_now(later, clock).period] == key_now(later, clock).n
    assert {key.n for key in later.published()} > set(before.values()), (
        "a day later, and four hours are not over"
    )


async def test_when_a_period_is_over_nobody_can_say_who_had_asked(
    tmp_path: Path, clock: Clock, issuing: PassIssuer
) -> None:
    asked = wish(issuing, clock)
    await issuing.issue(ROOM, asked.period, ANNA, asked.seen)
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(tmp_path / NAME, copy)  # somebody's backup
    clock.now += DAY + GRACE_S
    await issuing.prepare([ROOM])
    assert await refusal(issuing, asked, ANNA) is Why.NO_KEY
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("SELECT count(*) FROM asked").fetchone() == (0,)
        assert asked.period not in {row[0] for row in connection.execute("SELECT period FROM keys")}
    connection.close()
    # With the key of the period gone the copy has neither a private key nor persons that could be tried.
    keys = FileKeyStore(tmp_path / "keys", lambda: Masters([b"\1" * 32]), clock)
    assert await keys.find(ROOM, asked.period) is None
    shutil.copytree(tmp_path / "keys", copy / "keys")
    revived = issuer(copy, clock)
    clock.now -= DAY
    await revived.prepare([ROOM])
    assert asked.period not in {key.period for key in revived.published() if key.room == ROOM}


async def test_who_asks_while_another_process_ends_the_period_is_not_counted_anew(
    tmp_path: Path, clock: Clock, issuing: PassIssuer
) -> None:
    """Their count is gone by then: it would be a second pass, and a row that nothing takes away."""
    first, second = wish(issuing, clock), wish(issuing, clock)
    await issuing.issue(ROOM, first.period, ANNA, first.seen)
    other = issuer(tmp_path, clock)
    clock.now += DAY + GRACE_S
    await other.prepare([ROOM])
    assert issuing.gives(ROOM, first.period), "it has not looked since"
    assert await refusal(issuing, second, ANNA) is Why.NO_KEY
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        assert connection.execute("SELECT count(*) FROM asked").fetchone() == (0,)


async def test_the_folder_names_nobody_and_no_time_of_asking(
    tmp_path: Path, clock: Clock, issuing: PassIssuer
) -> None:
    asked = wish(issuing, clock)
    answer = await issuing.issue(ROOM, asked.period, ANNA, asked.seen)
    shown = asked.finished(answer)
    for path in files(tmp_path):
        raw = path.read_bytes()
        for secret in (ANNA.encode(), asked.seen, answer, shown.nonce, shown.signature):
            assert secret not in raw
            assert secret.hex().encode() not in raw
        assert path.stat().st_mode & 0o077 == 0
