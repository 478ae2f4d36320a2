"""When what is planned happens: the times of an agenda's parts, of the end and of the hard close. Pure.

All in Unix seconds, and `Session.shift_s` later than planned. A part ends where the next one begins; the one
beyond the last is the check-out, until the hard close.
"""

from itertools import accumulate

from rooms.phases import FINAL
from rooms.session import Item, Session


def part(session: Session, item: int) -> Item | None:
    """Part `item` of the agenda; None beyond the last."""
    agenda = session.plan.agenda
    return agenda[item] if item < len(agenda) else None


def boundaries(session: Session) -> list[int]:
    """When each part begins, and last when the agenda is over."""
    minutes = accumulate((item.minutes for item in session.plan.agenda), initial=0)
    return [session.plan.starts_at + session.shift_s + 60 * minute for minute in minutes]


def ends_at(session: Session) -> int:
    return session.plan.ends_at + session.shift_s


def closes_at(session: Session) -> int:
    """The hard close: "stay with the facilitator" is over."""
    return ends_at(session) + 60 * session.plan.grace_minutes


def following(session: Session) -> list[tuple[int, int]]:
    """The parts that are planned to begin after the present one began: when, and which.

    So a facilitator who moves by hand is left in peace until the plan's next boundary: at a later part, which
    then lasts longer, or at an earlier one, from which the clock goes where the plan is by then.
    """
    return [
        (at, item)
        for item, at in enumerate(boundaries(session))
        if item > session.item and at > session.item_since
    ]


def until(session: Session) -> int | None:
    """When what is on now is planned to end; None where nothing is, or nobody knows."""
    phase = session.phase
    if phase in FINAL:
        return None
    if phase == "scheduled":
        return session.plan.lobby_at
    if phase == "lobby":
        return session.plan.starts_at
    if phase == "paused":
        return session.pause.until if session.pause is not None else None
    parts = following(session)
    return parts[0][0] if parts else closes_at(session)
