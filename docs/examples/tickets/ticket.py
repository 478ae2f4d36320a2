"""Signs a ticket for a room. Part of the intranet's back end; needs `pip install cryptography`.

`python ticket.py ROOM PERSON` prints one.
"""

import base64
import json
import os
import secrets
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def ticket(room: str, person: str, role: str = "participant") -> str:
    key = load_pem_private_key(Path(os.environ["TICKET_KEY"]).read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    header = {"alg": "EdDSA", "typ": "JWT"}
    claims = {
        "iss": os.environ["INTRANET_URL"],
        "aud": os.environ["CHAT_URL"],
        "exp": int(time.time()) + 300,
        "jti": secrets.token_urlsafe(16),
        "sub": person,
        "room": room,
        "role": role,
    }
    signed = ".".join(part(json.dumps(each).encode()) for each in (header, claims))
    return f"{signed}.{part(key.sign(signed.encode()))}"


if __name__ == "__main__":
    print(ticket(sys.argv[1], sys.argv[2]))
