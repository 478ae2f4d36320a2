"""An anonymous poll: who voted is known, what for is not. Pure.

A vote is the one event whose effect it does not tell: `voted` names no choice, so only the node that decided
the vote, and the room's head in the log, know the tally.
"""

from msgspec.structs import replace

from rooms.session import Poll


def opened(id_: int, question: str, options: tuple[str, ...]) -> Poll:
    return Poll(id_, question, options, (0,) * len(options))


def with_vote(poll: Poll, handle: str, choice: int) -> Poll:
    """`handle` voted for option number `choice` (0, 1 ...), for the first time."""
    tally = tuple(votes + (option == choice) for option, votes in enumerate(poll.tally))
    return replace(poll, tally=tally, voted=(*poll.voted, handle))


def results(poll: Poll, k: int) -> tuple[int, ...] | None:
    """The sums, where at least `k` voted; None where so few did that one could guess who."""
    return poll.tally if len(poll.voted) >= k else None
