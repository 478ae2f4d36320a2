"""What follows an event in another room: the person concerned is told, and a yes is carried out. Pure.

    about(event)                      the place of the event that this one is about, where that is needed
    notices(event, session, target)   what follows
    approved(held, room)              a held post that was let through

Made again, a notice has the same key, so what follows an event follows it once, whoever sees to it and
however often: after a crash the aftermath of a room's last events is simply made again.
"""

import msgspec

from rooms.breakouts import Groups
from rooms.children import group_room, read
from rooms.events import AnyEvent, Posted
from rooms.session import Session
from rooms.session_events import (
    Announced,
    AppealAnswered,
    Appealed,
    Decided,
    Held,
    Hidden,
    Restricted,
    Told,
    What,
)


class Notice(msgspec.Struct, frozen=True):
    """`event` follows, in the log of `event.room`, under `key`.

    With `whose` it goes into the line of that handle, whose name only the node knows: `event.room` is empty.
    """

    event: AnyEvent
    key: str
    whose: str | None = None


def about(event: AnyEvent) -> int | None:
    """The `seq`, in the same room, of the event that `notices` needs as `target`; None: none."""
    if isinstance(event, Hidden | Decided | AppealAnswered):
        return event.target
    return None


def notices(event: AnyEvent, session: Session, target: AnyEvent | None = None) -> tuple[Notice, ...]:
    """What follows a placed `event`; `session` is as it stands. Nothing where `target` is not what it was."""
    if isinstance(event, Restricted):
        return (_told(event, event.whose, event.limit, on=event.on, rule=event.rule, reason=event.reason),)
    if isinstance(event, Hidden) and isinstance(target, Posted) and target.role is None:
        shown: What = "hidden" if event.on else "shown"
        at, rule, reason = event.target, event.rule, event.reason
        return (_told(event, target.handle, shown, target=at, rule=rule, reason=reason),)
    if isinstance(event, Decided) and isinstance(target, Held):
        decided: What = "approved" if event.yes else "declined"
        return (_told(event, target.handle, decided, reason=event.reason),)
    if isinstance(event, AppealAnswered) and isinstance(target, Appealed):
        return _answered(event, target, session)
    split = session.breakouts
    if isinstance(event, Announced) and event.everywhere and split is not None and split.id < event.seq:
        return _everywhere(event, split.groups, split.id)
    return ()


def approved(held: Held, room: str) -> Posted:
    """The post that waited, for the session's room `room`, or the small group it was meant for. Under the key
    `p:{held.key}` and its author's handle it is said once, however often its author sends it."""
    return Posted(room=held.where or room, handle=held.handle, text=held.text, reply_to=held.reply_to)


def _answered(event: AppealAnswered, appeal: Appealed, session: Session) -> tuple[Notice, ...]:
    """Upheld, or overturned: then what was done is undone, by the one who answered."""
    what: What = "overturned" if event.yes else "upheld"
    told = _told(event, appeal.handle, what, target=appeal.target, reason=event.reason)
    belonging = read(event.room)
    if not event.yes or belonging is None:
        return (told,)
    room, key = belonging.parent, f"undo:{event.seq}"
    if appeal.what == "hidden" and appeal.target in session.hidden:
        undo = Hidden(
            room=room,
            handle=event.handle,
            target=appeal.target,
            rule="appeal",
            reason=event.reason,
            on=False,
        )
        return told, Notice(undo, key)
    for limited in session.limited:
        if (limited.handle, limited.limit) == (appeal.handle, appeal.what):
            ended = Restricted(
                room=room,
                handle=event.handle,
                whose=appeal.handle,
                limit=limited.limit,
                on=False,
                rule="appeal",
                reason=event.reason,
            )
            return told, Notice(ended, key)
    return (told,)


def _everywhere(event: Announced, groups: Groups, split: int) -> tuple[Notice, ...]:
    return tuple(
        Notice(
            Announced(
                room=group_room(event.room, split, n),
                handle=event.handle,
                kind=event.kind,
                text=event.text,
                url=event.url,
            ),
            f"announce:{event.seq}",
        )
        for n, group in enumerate(groups)
        if group
    )


def _told(
    event: Hidden | Restricted | Decided | AppealAnswered,
    whose: str,
    what: What,
    *,
    on: bool = True,
    target: int | None = None,
    rule: str = "",
    reason: str = "",
) -> Notice:
    """`event`'s room and place make the key: one thing is told once."""
    told = Told(
        room="",
        handle=event.handle,
        what=what,
        on=on,
        target=target,
        rule=rule,
        reason=reason,
    )
    return Notice(told, f"told:{event.room}:{event.seq}", whose)
