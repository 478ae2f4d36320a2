"""The two descriptions that tools read, made from the types: OpenAPI for HTTP, AsyncAPI for the wire.

Nothing is described by hand that a type already says. Pure; called once at the start.
"""

from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec

from chatd import wire
from chatd.api import Health, Problem, RoomInfo, RoomList
from chatd.links import Polled
from chatd.passes.api import Ask, PassInfo, Signed
from chatd.passes.keys import Document
from chatd.polling import Poll
from chatd.probe import Measured
from chatd.sending import Send, Sent
from chatd.sessions.debriefs import Load, Written
from chatd.sessions.planning import DateChange
from chatd.sessions.report_api import DebriefList, MonthList, NewDebrief, ReportList
from chatd.sessions.series_answers import Link, LinkWish, SeriesInfo, SeriesList, SessionList, TemplateList
from chatd.sign_in.routes import Issued, SignedIn, TicketWish
from chatd.version import VERSION
from rooms.command import RoomName
from rooms.report import Programme, Report
from rooms.series import Series

COMPONENT: Final = "#/components/schemas/{name}"


def openapi() -> dict[str, Any]:
    """The HTTP API as OpenAPI 3.1."""
    types = [RoomInfo, RoomList, Health, Problem, wire.Join, Poll, Polled, Send, Sent, Measured]
    types += [Report, ReportList, Programme, MonthList, NewDebrief, Written, DebriefList, Load]
    types += [PassInfo, Document, Ask, Signed, SignedIn, TicketWish, Issued]
    types += [SessionList, Series, SeriesInfo, SeriesList, TemplateList, DateChange, LinkWish, Link]
    _, schemas = msgspec.json.schema_components(types, ref_template=COMPONENT)
    name_schema = msgspec.json.schema(RoomName)
    room = [{"name": "room", "in": "path", "required": True, "schema": name_schema}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chatd",
            "version": VERSION,
            "description": (
                "Rooms and health over HTTP. Talking happens on /ws: see /api/asyncapi.json; where no "
                "WebSocket gets through the same frames go by /sse, /poll and /send: see docs/protocol.md."
            ),
        },
        "paths": {
            "/api/rooms": _get("The rooms that the lobby lists", {200: RoomList, 503: Problem}),
            "/api/rooms/{room}": {
                **_get("One room", {200: RoomInfo, 404: Problem, 503: Problem}),
                "parameters": room,
            },
            "/api/rooms/{room}/pass": {
                **_get(
                    "The pass that opens a room, and the key it is signed with",
                    {200: PassInfo, 404: Problem, 503: Problem},
                ),
                "parameters": room,
            },
            "/.well-known/chatd-pass-keys": _get(
                "The issuer's keys, the same for everybody", {200: Document, 404: Problem}
            ),
            "/issuer/pass": _post("A number to be signed, blind, for whoever asks", Ask, Signed),
            **_report_paths(),
            **_series_paths(),
            **_sign_in_paths(),
            "/sse": _post("A stream of frames, begun with a join", wire.Join, "text/event-stream"),
            "/poll": _post("What is due, or after a while nothing", Poll, Polled),
            "/send": _post("What a member says", Send, Sent),
            "/probe": {
                **_get(
                    "A stream that belongs to nobody: does this network carry one?",
                    {200: "text/event-stream"},
                ),
                **_post("How much of a body came through", Any, Measured),
            },
            "/health/live": _get("The process answers", {200: Health}),
            "/health/ready": _get("People can be served; says what is degraded", {200: Health, 503: Health}),
            "/metrics": _get("Numbers for Prometheus", {200: "text/plain"}),
            "/api/openapi.json": _get("This description", {200: "application/json"}),
            "/api/asyncapi.json": _get("The wire, described", {200: "application/json"}),
        },
        "components": {"schemas": schemas},
    }


def asyncapi() -> dict[str, Any]:
    """The wire as AsyncAPI 3.0: what a client sends, what it gets, and the codes."""
    commands: Sequence[type[msgspec.Struct]] = get_args(wire.AnyCommand)
    replies: Sequence[type[msgspec.Struct]] = get_args(wire.AnyReply)
    _, schemas = msgspec.json.schema_components([*commands, *replies], ref_template=COMPONENT)
    messages = {kind.__name__: _message(kind) for kind in (*commands, *replies)}
    channel = "#/channels/ws"
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chatd wire",
            "version": VERSION,
            "description": (
                f"One object per frame. Subprotocol {wire.JSON_SUBPROTOCOL}: JSON in text frames; "
                f"{wire.MSGPACK_SUBPROTOCOL}: MessagePack in binary frames. `t` is the kind. "
                f"A client's frame has at most {wire.MAX_FRAME_BYTES} bytes."
            ),
        },
        "channels": {
            "ws": {
                "address": "/ws",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "ask": _operation("receive", channel, commands, "A client asks."),
            "tell": _operation("send", channel, replies, "The server answers, and tells what happened."),
        },
        "components": {"messages": messages, "schemas": schemas},
        "x-error-codes": {code.value: wire.MESSAGES[code] for code in wire.ErrorCode},
        "x-close-codes": {
            str(int(code)): {"name": code.name.lower(), "comes_back": wire.comes_back(code)}
            for code in wire.CloseCode
        },
    }


def _sign_in_paths() -> dict[str, Any]:
    """For this server's own pages, where it has a provider to sign in with (`sign_in/routes.py`)."""
    asked = _post("A ticket for one entry within a minute", TicketWish, Issued)
    asked["post"]["responses"]["401"] = _response(Problem)
    ended: dict[int, type[msgspec.Struct] | str] = {403: Problem, 503: Problem}
    gone = {"204": {"description": "This sign-in is over, on every node."}}
    return {
        "/api/sign-in": _get("Whether somebody has signed in here", {200: SignedIn, 503: Problem}),
        "/api/ticket": asked,
        "/sign-out": {
            "post": {"summary": "End a sign-in", "responses": _get("", ended)["get"]["responses"] | gone}
        },
    }


def _series_paths() -> dict[str, Any]:
    """What is planned (in sessions/ `series_api.py`, `calendar_feed.py`). `/api/series` asks for a ticket."""
    name = [{"name": "name", "in": "path", "required": True, "schema": msgspec.json.schema(RoomName)}]
    refused: dict[int, type[msgspec.Struct] | str] = dict.fromkeys((401, 403, 404, 409, 503), Problem)
    one = "/api/series/{name}"
    changed = _post("Put another plan in its place", Series, SeriesInfo)["post"]
    return {
        "/api/sessions": _get("What is on, and what is next", {200: SessionList, 503: Problem}),
        "/calendar.ics": _get("All listed sessions, to subscribe to", {200: "text/calendar"}),
        "/calendar/{name}.ics": {
            **_get("One series, to subscribe to", {200: "text/calendar", 404: "text/html"}),
            "parameters": name,
        },
        "/api/templates": _get("What a series can start from", {**refused, 200: TemplateList}),
        "/api/series": {
            **_get("The series that one may plan", {**refused, 200: SeriesList}),
            **_post("Plan a series; answered with 201", Series, SeriesInfo),
        },
        one: {
            **_get("One series", {**refused, 200: SeriesInfo}),
            "put": changed,
            "delete": {
                "summary": "Forget it",
                "responses": {
                    "204": _response("text/plain"),
                    **{str(s): _response(Problem) for s in refused},
                },
            },
            "parameters": name,
        },
        f"{one}/exceptions": {
            **_post("Cancel, move or restore one date", DateChange, SeriesInfo),
            "parameters": name,
        },
        f"{one}/links": {**_post("A link to hand on", LinkWish, Link), "parameters": name},
    }


def _report_paths() -> dict[str, Any]:
    """What remains of sessions (`sessions/report_api.py`). Everything here takes a facilitator's ticket."""
    one = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("name", "occurrence", "month")
    ]
    own: dict[int, type[msgspec.Struct] | str] = {401: Problem, 403: Problem, 503: Problem}
    report = {**own, 200: Report, 404: Problem}
    kept = _post("Keep a debrief for oneself, in the place of an earlier one", NewDebrief, Written)
    return {
        "/api/series/{name}/reports": {
            **_get("The reports of a series, the last session first", {**own, 200: ReportList}),
            "parameters": one[:1],
        },
        "/api/series/{name}/reports/{occurrence}": {
            **_get("What remains of one session: counts and times", report),
            "parameters": one[:2],
        },
        "/api/series/{name}/reports/{occurrence}.svg": {
            **_get("The same as a picture", {**report, 200: "image/svg+xml"}),
            "parameters": one[:2],
        },
        "/api/months": _get("Months that were made, the last one first", {**own, 200: MonthList}),
        "/api/months/{month}": {
            **_get("One month over all series", {**report, 200: Programme}),
            "parameters": one[2:],
        },
        "/api/debriefs": {**_get("One's own debriefs", {**own, 200: DebriefList}), **kept},
        "/api/debriefs/{name}/{occurrence}": {
            "delete": {
                "summary": "Forget one of one's own",
                "responses": {"204": _response("text/plain"), **{str(s): _response(Problem) for s in own}},
            },
            "parameters": one[:2],
        },
        "/api/load": _get("One's own last four weeks", {**own, 200: Load}),
    }


def _get(summary: str, answers: dict[int, type[msgspec.Struct] | str]) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {str(s): _response(a) for s, a in answers.items()}}}


def _post(summary: str, body: Any, answer: type[msgspec.Struct] | str) -> dict[str, Any]:
    schema = {} if body is Any else {"$ref": COMPONENT.format(name=body.__name__)}
    answers = {200: answer, **dict.fromkeys((400, 403, 413, 415, 503), Problem)}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": {str(status): _response(each) for status, each in answers.items()},
        }
    }


def _response(answer: type[msgspec.Struct] | str) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"description": "As it says.", "content": {answer: {}}}
    schema = {"$ref": COMPONENT.format(name=answer.__name__)}
    return {"description": _first_line(answer), "content": {"application/json": {"schema": schema}}}


def _message(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "name": str(kind.__struct_config__.tag),
        "summary": _first_line(kind),
        "contentType": "application/json",
        "payload": {"$ref": COMPONENT.format(name=kind.__name__)},
    }


def _operation(
    action: str, channel: str, kinds: Sequence[type[msgspec.Struct]], summary: str
) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{kind.__name__}"} for kind in kinds],
    }


def _first_line(kind: type[msgspec.Struct]) -> str:
    return (kind.__doc__ or kind.__name__).strip().partition("\n")[0]
