"""What `scripts/rehearse` runs: a rehearsal on the terminal, which can be stopped to look at pages.

    scripts/rehearse                                  an hour in a minute: phases as they come, then a verdict
    scripts/rehearse --stop-at open --stop-at poll    stands still there, says what to open; Enter goes on
    scripts/rehearse --template difficult_case --speed 600 --lines conversation.txt

Prints on stdout. 0: the hour went as it should; 1: it did not; 2: it could not be rehearsed.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from chatd import logs
from chatd.rehearsal.hour import PEOPLE, Stage, stage
from chatd.rehearsal.people import LINES
from chatd.replay.transcripts import read
from chatd.settings import Settings
from rooms.text import normalise

MOMENTS: Final = (
    *("lobby", "opening", "open", "paused", "winding_down", "closing_round", "closed"),
    *("round", "turn", "poll", "word", "breakouts"),
)
MAX_LINE_CHARS: Final = 400


def main(
    template: Annotated[str, typer.Option(help="What kind of session.")] = "check_in_round",
    speed: Annotated[float, typer.Option(min=1.0, max=2_000.0, help="Times faster than a real hour.")] = 60.0,
    people: Annotated[int, typer.Option(min=2, max=11, help="Scripted participants.")] = PEOPLE,
    stop_at: Annotated[
        list[str] | None, typer.Option(help=f"Where to stand still: {', '.join(MOMENTS)}.")
    ] = None,
    lines: Annotated[Path | None, typer.Option(help="A chat log, for what people say.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
) -> None:
    """Rehearse a facilitated session on a server of its own."""
    out = Console(highlight=False, soft_wrap=True)
    stops = tuple(stop_at or ())
    if wrong := [name for name in stops if name not in MOMENTS]:
        out.print(f"There is no moment {wrong[0]}. There are {', '.join(MOMENTS)}.", markup=False)
        raise typer.Exit(2)
    logs.configure(Settings(log_level="warning"))
    try:
        texts = LINES if lines is None else _texts(lines)
        code = asyncio.run(
            _rehearse(out, template, speed=speed, people=people, stops=stops, texts=texts, port=port)
        )
    except (OSError, ValueError) as error:
        out.print(f"This cannot be rehearsed: {error}", markup=False)
        code = 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        out.print("Stopped. Nothing was judged.")
        code = 130
    raise typer.Exit(code)


async def _rehearse(
    out: Console,
    template: str,
    *,
    speed: float,
    people: int,
    stops: Sequence[str],
    texts: Sequence[str],
    port: int,
) -> int:
    async with stage(template, speed=speed, port=port, lines=texts) as on:
        _links(out, on)

        async def look(name: str) -> None:
            out.print(f"\n  It stands still ({name}).")
            _links(out, on)
            out.print("  Enter goes on.")
            if not await asyncio.to_thread(sys.stdin.readline):
                await asyncio.Event().wait()  # nobody can press it: until Ctrl-C

        def show(phase: str, title: str, minutes: float) -> None:
            out.print(f"  {minutes:+6.1f} min  {phase:<14} {title}", markup=False)

        report = await on.play(people=people, stop_at=stops, on_stop=look, on_phase=show)
    verdict = report.verdict
    out.print(f"\n  {verdict.sent} lines said, {verdict.delivered} times shown")
    for code, count in sorted(report.refused.items()):
        out.print(f"  refused {count} times: {code}", markup=False)
    for words in (*verdict.problems, *report.faults):
        out.print(f"  {words}", markup=False)
    out.print("  erased after the close" if report.erased else "  NOT ERASED after the close")
    out.print("  the hour went as it should" if report.ok else "  IT DID NOT GO AS IT SHOULD: see above")
    return 0 if report.ok else 1


def _links(out: Console, on: Stage) -> None:
    out.print(f"  facilitator  {on.facilitator_url}", markup=False)
    out.print(f"  participant  {on.participant_url}", markup=False)


def _texts(path: Path) -> Sequence[str]:
    said = [normalise(step.text)[:MAX_LINE_CHARS] for step in read(path).steps if step.action == "say"]
    texts = [text for text in said if text]
    if not texts:
        raise ValueError("nobody says anything in that file")
    return texts


if __name__ == "__main__":
    typer.run(main)
