"""Signatures of JWTs: what one of these keys has signed, by the one algorithm that is expected. No I/O.

The algorithm is the caller's decision, never the token's: `none`, key confusion and keys that a header brings
along have nowhere to begin (RFC 8725).
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from chatd.keysets import Key

MAX_HEADER_CHARS: Final = 4096
"""Some providers send the whole certificate along, which nobody asks."""


class _Pinned(jws.JWSRegistry):
    """What joserfc may do with a token: the one algorithm, under any of its names."""

    max_header_length = MAX_HEADER_CHARS

    def get_alg(self, name: str) -> Any:
        # "EdDSA" may be any curve, of which joserfc warns (RFC 9864); our keys are all on this one.
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


def signed_claims(token: str, algorithm: str, keys: Iterable[Key]) -> dict[str, Any] | None:
    """The claims in `token`, where one of `keys` has signed it by `algorithm`; None where none has."""
    pinned = _Pinned(algorithms=(algorithm, "Ed25519") if algorithm == "EdDSA" else (algorithm,))
    for key in keys:
        try:
            payload = jws.deserialize_compact(token, key, registry=pinned).payload
            return msgspec.json.decode(payload or b"", type=dict[str, Any])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            # Not this key; or what joserfc and msgspec make of a token that is none.
            continue
    return None
