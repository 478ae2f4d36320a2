"""What the server holds of somebody, in lines for a terminal: the answer to `/mine`. Pure."""

import time
from collections.abc import Iterator

from chatd.client import Mine

DAY_S = 86_400


def lines(mine: Mine, handle: str) -> Iterator[str]:
    """`handle` is fit for a terminal."""
    yield f"* Under {handle} the server keeps in this room, at this moment:"
    told = (
        (mine.posts, "messages"),
        (mine.reactions, "reactions"),
        (mine.waiting, "messages that wait for a facilitator"),
        (mine.withdrawn, "places of what you took back, without what was in it"),
        (mine.other, "other things, such as a raised hand"),
    )
    yield from (f"    {count} {what}" for count, what in told if count)
    if not any(count for count, _ in told):
        yield "    nothing that you said or did"
    if mine.stands:
        yield f"    in the session: {', '.join(word.replace('_', ' ') for word in mine.stands)}"
    yield "  It does not keep your name, your address, or anything that ties this handle to you."
    if mine.erase_at is not None:
        until = time.strftime("%d %b, %H:%M", time.localtime(mine.erase_at))
        yield f"  All of it is deleted {until}, at the latest."
    else:
        days = mine.kept_s // DAY_S
        after = f"{days} days" if days > 1 else "24 hours"
        yield f"  Everything is deleted {after} after it was said, at the latest."
