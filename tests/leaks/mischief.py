"""Requests that nobody should send, with words in them that may stand in no answer and in no log."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

NONE: Final[Mapping[str, str]] = {}


class Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str] = NONE
    body: Any = None


def mischief(
    room: str, word: Callable[[str], str], who: Callable[[str], str], facilitators: str
) -> Iterator[Request]:
    """`word` and `who` make canaries: sentences, and names; `facilitators` is a good ticket. Beside the bad
    ones stand some that are good, since what they answer is looked at as well."""
    anybody = {"authorization": f"Bearer {who('bearer')}"}
    leads = {"authorization": f"Bearer {facilitators}"}
    series, debriefs = f"/api/series/{room}", "/api/debriefs"
    note = {"occurrence": "20200101T000000Z", "heavy": 3, "next": word("note")}
    say = {"seat": who("seat"), "frames": [{"t": "post", "text": word("to nobody")}]}
    for path in (f"/room/{who('path')}", f"/{who('path')}%00%ff", f"/static/../{who('path')}"):
        yield Request("GET", path)
    for path in (f"/room/{room}", "/signed-in", f"/embed/{room}", "/ws", "/api/sessions", "/metrics"):
        yield Request("GET", f"{path}?ticket={who('query')}")
    yield Request("GET", f"/calendar/{who('path')}.ics")
    yield Request("GET", "/" + who("long") * 300)
    yield Request("GET", f"/api/rooms/{who('path')}%00", anybody)
    yield Request("GET", f"/api/series/{who('path')}", anybody)
    yield Request("GET", series, leads)
    yield Request("GET", f"{series}/reports/{who('path')}", leads)
    yield Request("PUT", series, leads, {"title": word("a title"), "more": who("field")})
    yield Request("POST", f"{series}/exceptions", leads, {"occurrence": word("no date")})
    yield Request("POST", f"{series}/links", leads, {"for": word("nobody")})
    yield Request("POST", debriefs, leads, note)
    yield Request("POST", debriefs, leads, {"who": word("note")})
    yield Request("POST", "/send", NONE, say)
    yield Request("POST", "/send", NONE, word("too much") * 9_000)
    yield Request("POST", "/sse", NONE, {"t": "join", "id": 1, "room": room, "ticket": who("ticket")})
    yield Request("POST", "/poll", NONE, {"join": {"t": "join", "id": 1, "room": room}, "link": who("link")})
    yield Request("POST", f"/poll?{who('query')}", {"origin": f"https://{who('origin')}.example"}, {})
    yield Request("DELETE", f"/{who('path')}", anybody)
    for path in ("/", "/metrics", "/health/ready", "/api/rooms", "/api/sessions"):
        yield Request("GET", path)
