"""What stands on some ways to a server, each as bad in one respect as asked for: for the doctor to find.

Besides what tests/proxies has from packages. One request per connection, so that nothing of HTTP has to
be understood but heads.
"""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID

from tests.proxies.relays import CHUNK_BYTES, Relay

LEFT_S: Final = 5.0
"""How long an answer may take to be taken."""


class Spoiler(Relay):
    """`answers`: what it says itself to requests for a path, or for all ("*"). `adds`: header lines that it
    puts into every answer. `forgets_s`: after so long nothing passes any more, and nothing ends either.
    `trust`: it ends TLS."""

    def __init__(
        self,
        upstream_port: int,
        *,
        answers: Mapping[str, bytes] | None = None,
        adds: bytes = b"",
        forgets_s: float | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(upstream_port)
        self._answers = dict(answers or {})
        self._adds = adds
        self._forgets_s = forgets_s
        self._trust = trust

    async def __aenter__(self) -> "Spoiler":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._trust)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_upstream: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode("ascii").partition("?")[0]
        answer = self._answers.get(path) or self._answers.get("*")
        if answer is not None:
            writer.write(answer)
            await writer.drain()
            writer.write_eof()
            async with asyncio.timeout(LEFT_S):
                while await reader.read(CHUNK_BYTES):  # its body; then it goes, having read ours
                    pass
            return
        if b"\r\nupgrade:" not in head.lower():
            head = head[:-2] + b"Connection: close\r\n\r\n"
        upstream.write(head)
        forward = asyncio.create_task(_copy(reader, upstream))
        try:
            async with asyncio.timeout(self._forgets_s):
                writer.write(await from_upstream.readuntil(b"\r\n") + self._adds)
                await _copy(from_upstream, writer)
        except TimeoutError:
            await forward  # what comes is taken, and nothing comes back, until the other side gives up
        finally:
            forward.cancel()


def answer(status: str, body: bytes = b"") -> bytes:
    """A whole answer, as a filter writes it."""
    fields = ("Content-Type: text/html", f"Content-Length: {len(body)}", "Connection: close")
    return "\r\n".join((f"HTTP/1.1 {status}", *fields, "", "")).encode() + body


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()


# ---- certificates --------------------------------------------------------------------------------

PROOF: Final = bytes.fromhex("0478 0076 0074 00" + 32 * "11" + 8 * "00" + "0000 0403 0045" + 69 * "30")
"""A list with one proof of public logging (RFC 6962, section 3.3), well formed and signed by nobody."""


def certify(
    folder: Path, issuer: str, *, name: str = "localhost", days: float = 90, logged: bool = False
) -> tuple[Path, Path]:
    """(the authority's certificate, the server's with its key), both in PEM."""
    now = datetime.now(UTC)
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def begun(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=200))
        )

    root = (
        begun(issuer, authority.public_key())
        .not_valid_after(now + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    leaf = (
        begun(name, key.public_key())
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
    )
    if logged:
        oid = ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS
        leaf = leaf.add_extension(x509.UnrecognizedExtension(oid, PROOF), critical=False)
    trusted, own = folder / f"{issuer}-root.pem", folder / f"{issuer}.pem"
    trusted.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    own.write_bytes(
        leaf.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return trusted, own


def ending_tls(own: Path) -> ssl.SSLContext:
    """For a relay that speaks TLS with this certificate."""
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(own)
    return trust
