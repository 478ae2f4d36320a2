"""People with staff passes, who get them as their browsers do: over HTTP, and blind."""

import base64
import secrets
from typing import Any, Final

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chatd.passes.blind_rsa import BlindSigner, blind, finalize, prepare
from chatd.passes.keys import NoKeys, PassKey, parse, write
from chatd.passes.tokens import NONCE_BYTES, Pass, message

PREFIX: Final = 32
Json = dict[str, Any]


def written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Wish:
    """One request for a pass, before it is signed. `seen` is all that an issuer sees of it."""

    def __init__(self, public: RSAPublicKey, room: str, period: str) -> None:
        self.public, self.room, self.period = public, room, period
        self.nonce = secrets.token_bytes(NONCE_BYTES)
        self.prepared = prepare(message(self.nonce, room, period))
        self.seen, self._inverse = blind(public, self.prepared)

    def finished(self, blind_signature: bytes) -> Pass:
        signature = finalize(self.public, self.prepared, blind_signature, self._inverse)
        return Pass(self.period, self.prepared[:PREFIX], self.nonce, signature)


def signed_by(signer: BlindSigner, room: str, period: str) -> Pass:
    wish = Wish(signer.public, room, period)
    return wish.finished(signer.sign(wish.seen))


def key_of(document: Json) -> PassKey:
    """The one key of a published list; `NoKeys` where it is none."""
    keys = parse(msgspec.json.encode(document))
    if len(keys) != 1:
        raise NoKeys
    assert parse(write(keys)) == keys
    return keys[0]


async def wanted(rooms: httpx.AsyncClient, room: str) -> Json:
    """What the room asks for."""
    answer = await rooms.get(f"/api/rooms/{room}/pass")
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


async def ask(issuer: httpx.AsyncClient, wish: Wish, ticket: str | None, **headers: str) -> httpx.Response:
    body = {"room": wish.room, "period": wish.period, "blinded": written(wish.seen)}
    if ticket is not None:
        headers["authorization"] = f"Bearer {ticket}"
    return await issuer.post("/issuer/pass", json=body, headers=headers)


async def get_pass(
    rooms: httpx.AsyncClient, room: str, ticket: str, *, issuer: httpx.AsyncClient | None = None
) -> str:
    """A pass for whoever the ticket names."""
    told = await wanted(rooms, room)
    wish = Wish(key_of({"keys": [told["key"]]}).public(), room, told["period"])
    answer = await ask(issuer or rooms, wish, ticket)
    assert answer.status_code == 200, answer.text
    return wish.finished(read(answer.json()["blind_signature"])).token
