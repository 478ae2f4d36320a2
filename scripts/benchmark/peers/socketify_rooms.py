"""uWebSockets through socketify: a topic for each room, as its WebSocket page publishes.

usage: python socketify_rooms.py PORT
"""

import sys
from typing import Any

from socketify import App, AppListenOptions, CompressOptions

app = App()


def upgrade(response: Any, request: Any, context: Any) -> None:
    response.upgrade(
        request.get_header("sec-websocket-key"),
        request.get_header("sec-websocket-protocol"),
        request.get_header("sec-websocket-extensions"),
        context,
        request.get_parameter(0),
    )


def opened(ws: Any) -> None:
    ws.subscribe(ws.get_user_data())


def message(ws: Any, text: Any, opcode: Any) -> None:
    app.publish(ws.get_user_data(), text, opcode)


app.ws(
    "/ws/:room",
    {
        "compression": CompressOptions.DISABLED,
        "max_payload_length": 32 * 1024,
        "idle_timeout": 120,
        "upgrade": upgrade,
        "open": opened,
        "message": message,
    },
)
app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"), lambda config: None)
app.run()
