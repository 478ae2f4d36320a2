"""Commands about what the group sees and decides together: cards, pins, polls, check-in; moderation. Pure."""

from msgspec.structs import replace

from rooms import check_in, moderation, polls
from rooms.phases import TALKING
from rooms.scene import Scene
from rooms.session import MAX_HIDDEN, MAX_LIMITED, MAX_PINS
from rooms.session_commands import (
    Announce,
    AnswerCheckIn,
    ClosePoll,
    Hide,
    Lock,
    OpenPoll,
    Pin,
    Restrict,
    Vote,
)
from rooms.session_events import (
    Announced,
    CheckedIn,
    Hidden,
    Locked,
    Pinned,
    PollClosed,
    PollOpened,
    Restricted,
    Voted,
)
from rooms.text import normalise
from rooms.verdict import Refusal, Verdict, Why


def announce(command: Announce, scene: Scene) -> Verdict:
    text = normalise(command.text)
    if not text:
        return Refusal(Why.TEXT_EMPTY)
    event = Announced(
        room=scene.room,
        handle=scene.who.handle,
        kind=command.kind,
        text=text,
        url=command.url,
        everywhere=command.everywhere,
    )
    return scene.once(event, f"announce:{command.key}")


def pin(command: Pin, scene: Scene) -> Verdict:
    pins = scene.session.pins
    if command.seq > scene.state.head:
        return Refusal(Why.NOT_FOUND)
    if (command.seq in pins) == command.on:
        return scene.so_already()
    if command.on and len(pins) >= MAX_PINS:
        return Refusal(Why.LIMIT_REACHED)
    event = Pinned(room=scene.room, handle=scene.who.handle, target=command.seq, on=command.on)
    return scene.draft(event, f"pin:{command.seq}:{command.on}")


# ---- polls ---------------------------------------------------------------------------------------


def open_poll(command: OpenPoll, scene: Scene) -> Verdict:
    if scene.session.phase not in TALKING or scene.session.poll is not None:
        return Refusal(Why.WRONG_PHASE)
    question = normalise(command.question)
    options = tuple(map(normalise, command.options))
    if not question or not all(options):
        return Refusal(Why.TEXT_EMPTY)
    event = PollOpened(room=scene.room, handle=scene.who.handle, question=question, options=options)
    return scene.once(event, f"poll:{command.key}")


def vote(command: Vote, scene: Scene) -> Verdict:
    poll, handle = scene.session.poll, scene.who.handle
    if poll is None or poll.id != command.poll or command.choice >= len(poll.options):
        return Refusal(Why.NOT_FOUND)
    if handle in poll.voted:
        return Refusal(Why.ALREADY_VOTED)
    voted = replace(scene.session, poll=polls.with_vote(poll, handle, command.choice))
    event = Voted(room=scene.room, handle=handle, poll=poll.id)
    return scene.draft(event, f"vote:{poll.id}", voted)


def close_poll(command: ClosePoll, scene: Scene) -> Verdict:
    poll = scene.session.poll
    if poll is None or poll.id != command.poll:
        return Refusal(Why.NOT_FOUND)
    results = polls.results(poll, scene.session.plan.poll_k)
    event = PollClosed(room=scene.room, handle=scene.who.handle, poll=poll.id, results=results)
    return scene.draft(event, f"poll:{poll.id}")


def answer_check_in(command: AnswerCheckIn, scene: Scene) -> Verdict:
    session, handle, asked = scene.session, scene.who.handle, command.asked
    given = check_in.of(session, asked).given
    if handle in given:
        return scene.so_already()
    if handle not in session.accepted:
        return Refusal(Why.NOT_ACCEPTED)
    wrong = command.burnout is not None and not check_in.asks_measure(session, asked)
    if check_in.due(session, handle) != asked or wrong:
        return Refusal(Why.WRONG_PHASE)
    if len(given) >= check_in.MAX_GIVEN:
        return Refusal(Why.LIMIT_REACHED)
    after = check_in.answered(session, handle, asked, command.heavy, command.alone, command.burnout)
    event = CheckedIn(room=scene.room, handle=handle, asked=asked)
    return scene.draft(event, f"check_in:{asked}", after)


# ---- moderation ----------------------------------------------------------------------------------


def hide(command: Hide, scene: Scene) -> Verdict:
    hidden = scene.session.hidden
    if command.seq > scene.state.head:
        return Refusal(Why.NOT_FOUND)
    if (command.seq in hidden) == command.on:
        return scene.so_already()
    if command.on and len(hidden) >= MAX_HIDDEN:
        return Refusal(Why.LIMIT_REACHED)
    event = Hidden(
        room=scene.room,
        handle=scene.who.handle,
        target=command.seq,
        rule=command.rule,
        reason=normalise(command.reason),
        on=command.on,
    )
    return scene.draft(event, f"hide:{command.seq}:{command.on}")


def restrict(command: Restrict, scene: Scene) -> Verdict:
    session, whose = scene.session, command.whose
    if not moderation.known(session, whose):
        return Refusal(Why.NOT_FOUND)
    if (command.limit in moderation.limits(session, whose)) == command.on:
        return scene.so_already()
    if command.on and len(session.limited) >= MAX_LIMITED:
        return Refusal(Why.LIMIT_REACHED)
    event = Restricted(
        room=scene.room,
        handle=scene.who.handle,
        whose=whose,
        limit=command.limit,
        on=command.on,
        rule=command.rule,
        reason=normalise(command.reason),
    )
    return scene.draft(event, f"restrict:{whose}:{command.limit}:{command.on}")


def lock(command: Lock, scene: Scene) -> Verdict:
    if scene.session.locked == command.on:
        return scene.so_already()
    event = Locked(room=scene.room, handle=scene.who.handle, on=command.on)
    return scene.draft(event, f"lock:{command.on}")
