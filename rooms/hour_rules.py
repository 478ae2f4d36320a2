"""Commands about the hour: phases and parts of the agenda, pauses, small groups. Pure.

What may follow what is in `phases.py`, when things are planned in `agenda.py`.
"""

from typing import Final

from rooms import agenda, breakouts, phases
from rooms.phases import LATE, TALKING
from rooms.scene import Scene
from rooms.session import RUNNING, Phase, Session
from rooms.session_changes import apply
from rooms.session_commands import Extend, Move, PauseAll, Recall, Resume, SplitGroup
from rooms.session_events import Extended, Paused, PhaseChanged, Recalled, Resumed, SplitUp
from rooms.verdict import Refusal, Verdict, Why

MAX_SHIFT_S: Final = 3600
"""How much later than planned a session may end by being extended."""


def changed(room: str, session: Session, phase: Phase, item: int, *, handle: str, now: int) -> PhaseChanged:
    """The event that `phase`, with part `item` of the agenda, begins: with what is told about it."""
    part = agenda.part(session, item) if phase in RUNNING else None
    bare = PhaseChanged(room=room, handle=handle, phase=phase, item=item, since=now)
    return PhaseChanged(
        room=room,
        handle=handle,
        phase=phase,
        item=item,
        title=part.title if part is not None else "",
        prompt=part.prompt if part is not None else "",
        until=agenda.until(apply(session, bare)),
        since=now,
    )


def move(command: Move, scene: Scene) -> Verdict:
    session, room = scene.session, scene.room
    item = session.item
    if command.item is not None:
        if command.item > len(session.plan.agenda):
            return Refusal(Why.NOT_FOUND)
        item = command.item
    phase = command.phase
    if phase is None:
        part = agenda.part(session, item)
        now_on = session.pause.phase if session.pause is not None else session.phase
        phase = part.phase if part is not None and command.item is not None else now_on
    elif command.item is None and phase in phases.HOUR:
        item = _part_of(session, phase)
    if (phase, item) == (session.phase, session.item):
        return scene.so_already()
    if phase == "paused" or not (
        phases.allowed(session.phase, phase, "facilitator")
        or (phase == session.phase and phase in TALKING)  # another part of the same phase
    ):
        return Refusal(Why.WRONG_PHASE)
    event = changed(room, session, phase, item, handle=scene.who.handle, now=scene.unix_now)
    return scene.draft(event, f"move:{phase}:{item}")


def _part_of(session: Session, phase: Phase) -> int:
    """The part of the agenda that `phase` is meant for: the next, or any; else the present one."""
    parts = [n for n, item in enumerate(session.plan.agenda) if item.phase == phase]
    later = [n for n in parts if n >= session.item]
    return (later or parts or [session.item])[0]


def extend(command: Extend, scene: Scene) -> Verdict:
    if scene.session.phase not in RUNNING:
        return Refusal(Why.WRONG_PHASE)
    if scene.session.shift_s + 60 * command.minutes > MAX_SHIFT_S:
        return Refusal(Why.LIMIT_REACHED)
    event = Extended(room=scene.room, handle=scene.who.handle, minutes=command.minutes)
    return scene.draft(event, f"extend:{command.minutes}")


def pause(command: PauseAll, scene: Scene) -> Verdict:
    """A second word changes how long it is quiet."""
    if not phases.allowed(scene.session.phase, "paused", "facilitator"):
        return Refusal(Why.WRONG_PHASE)
    until = None if command.seconds is None else scene.unix_now + command.seconds
    event = Paused(room=scene.room, handle=scene.who.handle, why="quiet", since=scene.unix_now, until=until)
    return scene.draft(event, "pause")


def resume(command: Resume, scene: Scene) -> Verdict:
    paused = scene.session.pause
    if paused is None:
        return scene.so_already()
    event = Resumed(
        room=scene.room,
        handle=scene.who.handle,
        phase=paused.phase,
        since=scene.unix_now,
        took_over=paused.why == "no_facilitator",
    )
    return scene.draft(event, "resume")


def split(command: SplitGroup, scene: Scene) -> Verdict:
    session = scene.session
    if session.phase not in TALKING or session.phase in LATE or session.breakouts is not None:
        return Refusal(Why.WRONG_PHASE)
    if command.groups is not None:
        groups = breakouts.by_hand(session.members, command.groups)
    else:
        groups = breakouts.by_size(session.members, command.size or 2)
    if groups is None:
        return Refusal(Why.TOO_FEW)
    until = None if command.minutes is None else scene.unix_now + 60 * command.minutes
    event = SplitUp(room=scene.room, handle=scene.who.handle, groups=groups, until=until)
    return scene.once(event, f"split:{command.key}")


def recall(command: Recall, scene: Scene) -> Verdict:
    if scene.session.breakouts is None:
        return scene.so_already()
    return scene.draft(Recalled(room=scene.room, handle=scene.who.handle), "recall")
