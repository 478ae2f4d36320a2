"""How long rooms keep what is said, as the command line sets it and the terminal shows it."""

import asyncio
import re
from pathlib import Path

from typer.testing import CliRunner

from chatd import client as chat
from chatd.cli.rooms import rooms
from chatd.cli.talk_mine import lines
from chatd.client import Mine
from chatd.settings import Settings
from rooms.catalog import RoomSpec
from rooms.store_sql import open_store
from tests.fixtures.servers import Server


def say(tmp_path: Path, *words: str) -> str:
    result = CliRunner().invoke(rooms, [*words, "--data", str(tmp_path)])
    return result.output if result.exit_code == 0 else f"refused: {result.exception}"


async def spec(tmp_path: Path, name: str) -> RoomSpec | None:
    store = await open_store(Settings(data=tmp_path).store)
    try:
        return await store.catalog.get(name)
    finally:
        await store.close()


def test_a_room_is_given_a_period_and_another_one(tmp_path: Path) -> None:
    say(tmp_path, "add", "night", "--renew-days", "7")
    say(tmp_path, "add", "wisdom", "--kind", "knowledge")
    table = say(tmp_path, "list")
    assert re.search(r"night .* 7 days", table)
    assert re.search(r"wisdom .* 30 days", table)
    say(tmp_path, "edit", "night", "--renew-days", "0")
    kept = asyncio.run(spec(tmp_path, "night"))
    assert kept is not None
    assert kept.renew_days == 0
    assert re.search(r"night .* 1 day\b", say(tmp_path, "list"))
    assert "--renew-days takes 0 to 366" in say(tmp_path, "edit", "night", "--renew-days", "400")


async def test_a_client_sees_what_is_kept_and_takes_it_back(server: Server) -> None:
    async with chat.connect(server.ws_url) as client:
        room = await client.join("kept")
        assert 0 < (room.anew_in_s or 0) <= 25 * 3600
        await room.post("one")
        await room.post("two")
        mine = await room.mine()
        assert (mine.posts, mine.reactions, mine.kept_s) == (2, 0, 24 * 3600)
        assert await room.withdraw_all() == 2
        assert (await room.mine()).withdrawn == 2


def test_what_is_kept_in_words() -> None:
    told = "\n".join(
        lines(Mine(2, 0, 1, 0, 0, 86_400, erase_at=1_795_431_600, stands=("hand",)), "calm-heron")
    )
    for words in ("calm-heron", "2 messages", "1 places", "hand", "deleted"):
        assert words in told
    assert "reactions" not in told
    assert "nothing that you said" in "\n".join(lines(Mine(0, 0, 0, 0, 0, 30 * 86_400), "calm-heron"))
