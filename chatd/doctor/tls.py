"""Whose certificate answers: one of a public authority, one of the house's own, or one made on the way.

A product that opens connections signs with an authority that only the house's computers trust, so its
certificates verify and still carry no proof of public logging (RFC 9162, section 4.8), which all public
authorities have to put in. What is told of a certificate is its digest, never a name from it.
"""

import ssl
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from chatd.doctor.findings import inspector
from chatd.doctor.http import FAILURES, Reach
from chatd.doctor.seen import Certificate

WHY: Final = {
    9: "expired",
    10: "expired",
    18: "self-signed",
    19: "self-signed",
    20: "authority",
    21: "authority",
    62: "name",
}
"""OpenSSL's reasons (X509_V_ERR_...) as keys of `reasons` in findings.json."""


def look(reach: Reach, *, within_s: float) -> tuple[Reach, Certificate]:
    """What the certificate tells, and the way to go on: the same, or where nobody would trust it one that
    trusts anybody. The checks that follow say nothing that is worth protecting."""
    if reach.trust is None:
        return reach, Certificate(scheme="http", local=reach.local)
    try:
        return reach, _read(_presented(reach, within_s), trusted=True, why="other")
    except ssl.SSLCertVerificationError as error:
        why = WHY.get(error.verify_code, "other")
    except FAILURES:
        return reach, Certificate(seen=True)
    blind = reach.trusting(_no_questions())
    try:
        return blind, _read(_presented(blind, within_s), trusted=False, why=why)
    except FAILURES:
        return reach, Certificate(seen=True)


def _presented(reach: Reach, within_s: float) -> bytes:
    """The certificate of whoever answers, in DER."""
    with closing(reach.connection(within_s)) as connection:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        return connection.sock.getpeercert(binary_form=True) or b""


def _read(presented: bytes, *, trusted: bool, why: str) -> Certificate:
    certificate = x509.load_der_x509_certificate(presented)
    digest = certificate.fingerprint(SHA256()).hex().upper()
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    return Certificate(
        seen=True,
        trusted=trusted,
        why=why,
        public=_logged(certificate),
        inspector=inspector(certificate.issuer.rfc4514_string()),
        days=max(0, left.days),
        fingerprint=":".join(digest[at : at + 2] for at in range(0, len(digest), 2)),
    )


def _logged(certificate: x509.Certificate) -> bool:
    try:
        proofs = certificate.extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps
        )
    except (x509.ExtensionNotFound, ValueError):
        return False  # ValueError: an extension that cannot be read, which no public authority makes
    return len(list(proofs.value)) > 0


def _no_questions() -> ssl.SSLContext:
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    return trust
