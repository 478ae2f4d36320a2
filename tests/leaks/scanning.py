"""The scan: a session from the lobby to its erasure, and then every place where something may have stayed.

leaks = await scan(tree, redis_url)       what was found, in sentences; none is what we want
"""

from contextlib import closing
from pathlib import Path
from typing import Final

import redis

from tests.fixtures.servers import Server, until
from tests.leaks import places
from tests.leaks.canaries import Canaries, Leak
from tests.leaks.scene import Scene
from tests.leaks.trees import Tree

QUICK: Final = ("post_per_s=0", "ask_per_s=0", "poll_park_s=1", "drain_s=0")
WIPED_S: Final = 20.0
DUMP: Final = "dump.rdb"


async def scan(tree: Tree, redis_url: str | None = None, *, crash: bool = False) -> list[Leak]:
    """`redis_url`: with two workers over it. `crash`: one of them dies by kill -9 on the way."""
    several = ("--workers", "2", "--redis", redis_url) if redis_url else ()
    if redis_url is not None:
        places.as_it_is(redis_url)
    leaks: list[Leak] = []
    async with tree.serving(*(word for each in QUICK for word in ("--set", each)), *several) as server:
        async with Scene.begun(server) as scene:
            await scene.plays()
            if all(map(places.readable, _processes(server))):
                assert _in_memory(server, scene.said), "the scan does not see what is surely there"
            await scene.breaks()
            leaks += _at_any_time(scene, server, redis_url)
            if crash:
                server.kill_worker()
            await scene.closes()
        leaks += _at_any_time(scene, server, redis_url)
        leaks += _after(tree, scene, server, redis_url)
        leaks += await _in_memory_at_last(server, scene)
        assert await server.terminate() == 0
        leaks += _at_any_time(scene, server, None)
        leaks += _after(tree, scene, server, None)
    return leaks


def _at_any_time(scene: Scene, server: Server, redis_url: str | None) -> list[Leak]:
    """What may not be there even while the session goes on."""
    leaks: list[Leak] = []
    log = "\n".join(server.log).encode()
    for canaries in (scene.people, scene.said, scene.made):
        leaks += canaries.found(log, "the log")
        for what, answer in scene.answers:
            leaks += canaries.found(answer, what)
    for canaries in (scene.people, scene.said):
        leaks += places.in_folder(server.data, canaries)
        if redis_url is not None:
            leaks += places.in_redis(redis_url, canaries)
    for person in scene.everybody:
        for frame in person.heard:
            leaks += scene.people.found(frame, "what somebody was told")
    return leaks


def _after(tree: Tree, scene: Scene, server: Server, redis_url: str | None) -> list[Leak]:
    """What is to be gone with the erasure."""
    leaks = places.in_folder(server.data, scene.made)
    if redis_url is not None:
        leaks += places.in_redis(redis_url, scene.made)
        leaks += _in_dump(redis_url, tree.folder, (scene.people, scene.said, scene.made))
    return leaks


def _in_dump(redis_url: str, folder: Path, sought: tuple[Canaries, ...]) -> list[Leak]:
    """What Redis would write to its disk. It was started with `folder` as its own."""
    with closing(redis.Redis.from_url(redis_url)) as client:
        client.save()
    content = (folder / DUMP).read_bytes()
    return [leak for canaries in sought for leak in canaries.found(content, "the dump of Redis")]


def _in_memory(server: Server, canaries: Canaries) -> list[Leak]:
    pids = filter(places.readable, _processes(server))
    return [leak for pid in pids for leak in places.in_memory(pid, canaries)]


def _processes(server: Server) -> list[int]:
    return server.worker_pids() or [server.pid]


async def _in_memory_at_last(server: Server, scene: Scene) -> list[Leak]:
    """What the processes still hold when they have had the time to wipe it."""
    leaks: list[Leak] = []

    def clean() -> bool:
        leaks[:] = [leak for each in (scene.said, scene.people) for leak in _in_memory(server, each)]
        return not leaks

    try:
        await until(clean, "the memory is wiped", within_s=WIPED_S, every_s=1.0)
    except AssertionError:
        return leaks
    return []
