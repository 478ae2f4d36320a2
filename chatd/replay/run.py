"""Feeds the log of a real conversation through real sockets and lets the checker judge the room.

One connection per nickname, joins and leaves included, at the pace of the log or any other. A
person's steps are done in order, each line after the one before it was acked; people do not
wait for each other. Handles are the server's: no nickname leaves the file.

At the end everybody who is still there waits for the room's last place, the log is read through
`older`, and `chatd.checker` decides. Touches the file, the network and, by `run_replay`, the
terminal; where no server is named it starts one of its own (`throwaway.py`).
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from chatd.checker import Kept
from chatd.client import ChatError, Codec, Room, Transport, connect
from chatd.replay import transcripts
from chatd.replay.people import BACKOFF, OnProgress, Person, Stage, mark_of
from chatd.replay.report import Latency, ReplayReport, announcement
from chatd.replay.transcripts import Script
from chatd.throwaway import ServerFailed, throwaway_server

PAGE: Final = 200
OWN_SERVER: Final = {"CHATD_POST_PER_S": "0", "CHATD_REACT_PER_S": "0", "CHATD_CAPACITY": "100000"}
"""Settings of the replay's own server: no pace limits, so that the speed asked for is the speed had."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What `chatd replay` was asked. `speed` inf is as fast as possible; `room` None is a fresh one."""

    path: Path
    url: str | None = None
    room: str | None = None
    speed: float = 1.0
    codec: Codec = "json"
    transports: tuple[Transport, ...] = ("ws",)
    as_json: bool = False


def _no_progress(done: int, steps: int, delivered: int) -> None:
    pass


OnScript: TypeAlias = Callable[[Script], None]
"""Told the conversation that was read, before anybody connects."""


def _no_announcement(script: Script) -> None:
    pass


async def replay(
    path: Path,
    *,
    url: str | None = None,
    room: str | None = None,
    speed: float = 1.0,
    codec: Codec = "json",
    transports: Sequence[Transport] = ("ws",),
    on_script: OnScript = _no_announcement,
    on_progress: OnProgress = _no_progress,
) -> ReplayReport:
    """Replay the file. The room must be one where nobody else speaks: what they say would be `invented`.

    `speed` is a factor over the log's own pace, inf for no pace at all. The `transports` are dealt out
    among the people in turn; `codec` is for those who have a socket. Raises OSError where the
    file cannot be read, `ChatError` where the server cannot be reached, `ServerFailed`.
    """
    if not speed > 0:
        raise ValueError("the speed is a number above 0")
    script = await asyncio.to_thread(transcripts.read, path)
    on_script(script)
    on_progress(0, len(script.steps), 0)  # how much there is, long before the first of it is done
    async with AsyncExitStack() as stack:
        if url is None:
            url = await stack.enter_async_context(throwaway_server(OWN_SERVER))
        stage = Stage(
            url=url,
            room=room or f"replay-{secrets.token_hex(4)}",
            speed=speed,
            codec=codec,
            transports=transports,
            steps=len(script.steps),
            on_progress=on_progress,
        )
        took_s = await _perform(stage, script, speed)
    verdict = stage.checker.verdict()
    return ReplayReport(
        ok=verdict.ok and not stage.unanswered and not stage.faults,
        speed=speed,
        codec=codec,
        people=stage.opened,
        lines=sum(1 for step in script.steps if step.action == "say"),
        odd=script.odd,
        empty=stage.empty,
        took_s=round(took_s, 3),
        behind_s=round(stage.behind_s, 3),
        waits=stage.waits,
        breaks=stage.breaks,
        live_gaps=stage.live_gaps,
        live_repeats=stage.live_repeats,
        unanswered=stage.unanswered,
        verdict=verdict,
        latency=Latency.of(stage.latencies),
        faults=tuple(stage.faults),
    )


async def _perform(stage: Stage, script: Script, speed: float) -> float:
    """The whole conversation, and at its end the log; the seconds until all was said."""
    async with connect(stage.url, codec=stage.codec, backoff=BACKOFF) as observer:
        watched = await observer.join(stage.room)
        stage.base = stage.head = watched.head
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            await _play(stage, script, speed, group)
            await stage.quiet.wait()
            took_s = time.perf_counter() - started
            stage.over.set()
        await _read_log(stage, watched)
    return took_s


async def _play(stage: Stage, script: Script, speed: float, group: asyncio.TaskGroup) -> None:
    """Hand every step to its person when it is due, then tell everybody that this was all."""
    people: dict[int, Person] = {}
    started = time.perf_counter()
    for step in script.steps:
        due = started + step.at_s / speed
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        person = people.get(step.who)
        if person is None:
            person = people[step.who] = Person(stage, step.who)
            stage.one_more_talks()
            group.create_task(person.live())
        await person.steps.put((due, step))
    for person in people.values():
        await person.steps.put(None)
    stage.one_has_said_all()


async def _read_log(stage: Stage, watched: Room) -> None:
    """What the log has at the end, through the same door as everybody."""
    before = max(stage.head, watched.head) + 1
    more = True
    while more and before > stage.base + 1:
        page = await watched.older(before, PAGE)
        for event in page.events:
            if event.seq > stage.base:
                stage.checker.see(Kept(stage.room, watched.epoch or "", event.seq, mark_of(event)))
        more = page.more and bool(page.events)
        before = page.events[0].seq if page.events else before


def run_replay(options: ReplayOptions) -> int:
    """`chatd replay`: progress on stderr, report on stdout. 0: all is well, 1: a fault, 2: it did not run."""
    out, err = Console(), Console(stderr=True)
    told_tenth = 0

    def announce(script: Script) -> None:
        words = announcement(len(script.steps), script.people, script.lasts_s, options.speed)
        err.print(words, markup=False, highlight=False)

    columns = (
        TextColumn("replaying"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[delivered]:,} deliveries"),
        TimeElapsedColumn(),
    )
    try:
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
            task = progress.add_task("replay", total=None, delivered=0)

            def show(done: int, steps: int, delivered: int) -> None:
                nonlocal told_tenth
                progress.update(task, completed=done, total=steps, delivered=delivered)
                tenth = 10 * done // max(1, steps)
                if not err.is_terminal and tenth > told_tenth:
                    told_tenth = tenth
                    err.print(f"{tenth}0 %, {delivered:,} deliveries", highlight=False)

            report = asyncio.run(
                replay(
                    options.path,
                    url=options.url,
                    room=options.room,
                    speed=options.speed,
                    codec=options.codec,
                    transports=options.transports,
                    on_script=announce,
                    on_progress=show,
                )
            )
    except (OSError, ValueError, ChatError, ServerFailed) as error:
        err.print(f"The replay could not run: {error}", markup=False, highlight=False)
        return 2
    except KeyboardInterrupt:
        err.print("Stopped. Nothing was judged.")
        return 130
    if options.as_json:
        out.out(json.dumps(report.as_json()), highlight=False)
    else:
        _print(out, report)
    return 0 if report.ok else 1


def _print(out: Console, report: ReplayReport) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    for what, how_much in report.rows():
        table.add_row(what, how_much)
    out.print(table)
    for words in (*report.verdict.problems, *report.faults):
        out.print(f"  {words}", markup=False, highlight=False)
    out.print("legal: nothing lost, nothing doubled, one order" if report.ok else "NOT LEGAL: see above")
