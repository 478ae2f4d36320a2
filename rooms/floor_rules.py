"""Commands about the floor: hands, turns and rounds. Pure. What they do to it is in `floor.py`."""

from rooms import floor
from rooms.moderation import limits
from rooms.phases import TALKING
from rooms.scene import Scene
from rooms.session import RUNNING
from rooms.session_changes import speakers
from rooms.session_commands import EndRound, EndTurn, GiveFloor, RaiseHand, SetFloor, StartRound
from rooms.session_events import FloorGiven, FloorSet, HandRaised, RoundEnded, RoundStarted, TurnEnded
from rooms.text import normalise
from rooms.verdict import Refusal, Verdict, Why


def raise_hand(command: RaiseHand, scene: Scene) -> Verdict:
    session, handle = scene.session, scene.who.handle
    if (handle in session.floor.hands) == command.up:
        return scene.so_already()
    if command.up:
        if session.phase == "paused":
            return Refusal(Why.PAUSED)
        if session.phase not in TALKING or not session.floor.queue_open:
            return Refusal(Why.WRONG_PHASE)
        if "mute" in limits(session, handle):
            return Refusal(Why.MUTED)
    event = HandRaised(room=scene.room, handle=handle, up=command.up)
    return scene.draft(event, f"hand:{command.up}")


def end_turn(command: EndTurn, scene: Scene) -> Verdict:
    """One's own, also before it has come (passing); a facilitator ends anybody's, or whoever's it is."""
    on, own = scene.session.floor, scene.who.handle
    whose = command.whose or (floor.speaker(on) if scene.leads else own)
    if whose is None:
        return scene.so_already()
    if whose != own and not scene.leads:
        return Refusal(Why.NOT_ALLOWED)
    if whose != floor.speaker(on) and (on.round is None or whose not in on.round.todo):
        return Refusal(Why.NOT_YOUR_TURN)
    event = TurnEnded(room=scene.room, handle=own, whose=whose, passed=command.passed)
    return scene.draft(event, f"turn:{whose}")


def set_floor(command: SetFloor, scene: Scene) -> Verdict:
    on = scene.session.floor
    if (on.by_hand, on.unheard_first) == (command.by_hand, command.unheard_first):
        return scene.so_already()
    event = FloorSet(
        room=scene.room,
        handle=scene.who.handle,
        by_hand=command.by_hand,
        unheard_first=command.unheard_first,
    )
    return scene.draft(event, f"floor:{command.by_hand}:{command.unheard_first}")


def give_floor(command: GiveFloor, scene: Scene) -> Verdict:
    """In a round the floor goes to somebody whose turn is still to come; they go first."""
    session, on = scene.session, scene.session.floor
    if session.phase not in RUNNING:
        return Refusal(Why.WRONG_PHASE)
    to = command.to
    if to is None:
        if on.round is not None:
            return Refusal(Why.WRONG_PHASE)  # who is next in a round is whoever is next in it
        to = next(iter(floor.queue(on, scene.state.heard)), None)
    if to not in (session.members if on.round is None else on.round.todo):
        return Refusal(Why.NOT_FOUND)
    if "mute" in limits(session, to):
        return Refusal(Why.MUTED)
    event = FloorGiven(
        room=scene.room,
        handle=scene.who.handle,
        to=to,
        since=scene.unix_now,
        until=None if command.seconds is None else scene.unix_now + command.seconds,
    )
    return scene.once(event, f"floor:{command.key}")


def start_round(command: StartRound, scene: Scene) -> Verdict:
    session = scene.session
    if session.phase not in TALKING or session.floor.round is not None:
        return Refusal(Why.WRONG_PHASE)
    order = speakers(session)
    prompt = normalise(command.prompt)
    if not order:
        return Refusal(Why.TOO_FEW)
    if not prompt:
        return Refusal(Why.TEXT_EMPTY)
    event = RoundStarted(room=scene.room, handle=scene.who.handle, prompt=prompt, order=order)
    return scene.once(event, f"round:{command.key}")


def end_round(command: EndRound, scene: Scene) -> Verdict:
    if scene.session.floor.round is None:
        return scene.so_already()
    return scene.draft(RoundEnded(room=scene.room, handle=scene.who.handle), "round")
