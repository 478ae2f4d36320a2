"""Each transport through each intermediary: what works, and that what does not is noticed in time."""

import secrets

import pytest

from tests.proxies.lines import Barred
from tests.proxies.peers import Peer
from tests.proxies.rows import ROWS, TRANSPORTS, Row, Transport, Way, port_of, standing
from tests.proxies.talks import talk

PAIRS = [(row, transport) for row in ROWS for transport in TRANSPORTS]
WORKING = [pair for pair in PAIRS if pair[1] in pair[0].works()]
FAILING = [pair for pair in PAIRS if pair[1] in pair[0].fails]


def named(pairs: list[tuple[Row, Transport]]) -> list[str]:
    return [f"{row.slug}-{transport}" for row, transport in pairs]


@pytest.mark.parametrize(("row", "transport"), WORKING, ids=named(WORKING))
async def test_a_talk_goes_through_and_survives_a_cut(row: Row, transport: Transport, direct: Way) -> None:
    async with standing(row, port_of(direct)) as way:
        await talk(way, direct, f"room-{secrets.token_hex(4)}", transport)


@pytest.mark.parametrize(("row", "transport"), FAILING, ids=named(FAILING))
async def test_what_does_not_work_is_noticed_within_five_seconds(
    row: Row, transport: Transport, direct: Way
) -> None:
    """Otherwise nobody could fall back in time; and the table in docs/transports.md would be wrong."""
    async with standing(row, port_of(direct)) as way, Peer(way, "barred", transport) as anna:
        with pytest.raises(Barred):
            await anna.until(lambda: False, "to be barred", within_s=5.0)


def test_something_works_through_every_intermediary() -> None:
    assert [row.slug for row in ROWS if not row.works()] == []
