"""Django Channels: the chat consumer of its tutorial, with the pub/sub layer of channels_redis, under daphne.

The tutorial's several files in one; REDIS_URL names the server.
"""

import json
import os
from typing import Any

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY="only for the benchmark, on loopback",  # noqa: S106  it protects nothing
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402  Django wants its settings first
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  as above
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402  as above
from django.core.asgi import get_asgi_application  # noqa: E402  as above
from django.urls import re_path  # noqa: E402  as above


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # it has no types
    async def connect(self) -> None:
        self.room_group_name = f"chat_{self.scope['url_route']['kwargs']['room_name']}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code: int) -> None:
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data: str) -> None:
        message = json.loads(text_data)["message"]
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": message}
        )

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"message": event["message"]}))


application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(
            URLRouter([re_path(r"ws/chat/(?P<room_name>[\w-]+)/$", ChatConsumer.as_asgi())])
        ),
    }
)
