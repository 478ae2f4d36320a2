"""Invariant 8 as a whole: after a session nothing of it is left, wherever an administrator may look.

And the scan itself is tried: with a leak built in (`planted.toml`) it has to be red. One of them here; all
of them take some minutes and are run by `scripts/leaks`.
"""

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.buses import Valkey
from tests.leaks.canaries import SAID, Canaries
from tests.leaks.planted import PLANTED, Plant
from tests.leaks.scanning import scan
from tests.leaks.trees import Tree

ALL = os.environ.get("LEAKS") == "all"
SAMPLE = "what is sealed is noted beside it"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree.copied(tmp_path / "tree")


@pytest.fixture
def redis(tree: Tree, valkeys: Callable[..., Valkey]) -> Valkey:
    server = valkeys("--dir", str(tree.folder))
    server.start()
    return server


async def test_nothing_is_left_of_a_session(tree: Tree, redis: Valkey) -> None:
    leaks = await scan(tree, redis.url, crash=True)
    assert not leaks, "\n".join(map(str, leaks[:20]))


@pytest.mark.skipif(not ALL, reason="scripts/leaks runs it")
async def test_nothing_is_left_by_one_process(tree: Tree) -> None:
    leaks = await scan(tree)
    assert not leaks, "\n".join(map(str, leaks[:20]))


@pytest.mark.parametrize("plant", [p for p in PLANTED if ALL or p.name == SAMPLE], ids=lambda p: p.name)
async def test_a_planted_leak_is_found(
    plant: Plant, tree: Tree, redis: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.into(tree)
    monkeypatch.setenv("LEAK_REDIS", redis.url)
    leaks = [str(leak) for leak in await scan(tree, redis.url if "Redis" in plant.name else None)]
    assert any(plant.seen in leak for leak in leaks), leaks or "nothing was found"


def test_every_plant_can_be_built_in(tmp_path: Path) -> None:
    """Whoever changes these lines of the program sees to it that the leak stays one."""
    assert len(PLANTED) >= 20
    for number, plant in enumerate(PLANTED):
        files = {each.file for each in plant.change}
        tree = Tree.copied(tmp_path / str(number), only=files)
        plant.into(tree)
        for file in files:
            compile((tree.folder / file).read_text("utf-8"), file, "exec")


@pytest.mark.parametrize("lead", range(4))
@pytest.mark.parametrize("form", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "hex", "base64", "urlsafe"])
def test_a_canary_is_found_in_every_form(form: str, lead: int) -> None:
    canaries = Canaries()
    said = "." * lead + canaries.word("said") + "!"
    coded = {
        "hex": lambda: said.encode().hex().encode(),
        "base64": lambda: base64.b64encode(said.encode()),
        "urlsafe": lambda: base64.urlsafe_b64encode(said.encode()),
    }.get(form, lambda: said.encode(form))()
    assert canaries.found(b"\xff" * 7 + coded + b"\xff", "here")
    assert SAID.encode() not in coded or form == "utf-8"
