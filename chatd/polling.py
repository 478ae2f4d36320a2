"""POST /poll: a member who asks again and again, for networks that let through neither sockets nor streams.

    {join}                     -> joined, under a link
    {join, link, got: n}       -> what came since answer n; or after wait_s nothing
    the same, unknown here     -> joins here, under the same link

So any request may come to any node. What the member says comes by `sending.py`; what they are due is
kept by `links.py`.
"""

from functools import partial
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from chatd import api
from chatd.http_door import LINE, Line
from chatd.posting import Turned, let_in, node_of, unreadable
from chatd.sse import check_join

WAIT_S: Final = 25.0
"""How long a poll may be held at most: proxies commonly give up on an answer after 30 s or more."""

LinkName = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{22,64}$")]


class Poll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a poll. `join` is how to come (back) in, wherever this is the first poll of a link.

    `link` names the connection: what the last answer said, or at first 22 to 64 random characters of the
    client's own, so that even the first answer can be asked for again. `got` is the `n` of the last
    answer that arrived. `wait_s`: how long to wait where there is nothing to say.
    """

    join: msgspec.Raw
    link: LinkName | None = None
    got: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    wait_s: Annotated[float, Meta(ge=0)] = WAIT_S


_decoder: Final = msgspec.json.Decoder(Poll)


async def poll(request: Request, body: bytes) -> Response:
    """POST /poll."""
    try:
        asked = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise unreadable("A poll has join, and may have link, got and wait_s.") from None
    check_join(bytes(asked.join))
    node = node_of(request)
    wait_s = min(asked.wait_s, WAIT_S)
    line: Line | None = request.scope.get("extensions", {}).get(LINE)
    link, only_news = node.links.known(asked.link, asked.got), False
    if link is None:
        let_in(node)
        await node.links.settle(asked.link)
        if line is not None and line.transport.is_closing():
            raise Turned(408, "gone", "Nobody waits for this answer any more.")
        link = node.links.begin(asked.link, bytes(asked.join))
        only_news = asked.got is not None and wait_s > 0
        wait_s = wait_s if only_news else WAIT_S
    turn = link.begin()
    if line is not None:
        line.on_lost = partial(link.deserted, turn)
    try:
        polled = await link.answer(turn, asked.got, wait_s, only_news=only_news)
    finally:
        if line is not None:
            line.on_lost = None
    answer = api.json(polled)
    if polled.close is not None:
        node.links.told_the_end(link)
        answer.headers["connection"] = "close"
    return answer
