"""Certificates for the tests: an authority nobody else trusts, and one host's certificate by it.

What is written goes into the folder of a test and is good for an hour.
"""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class Authority:
    """Signs certificates. `file`: its certificate and its key in one PEM, as Squid wants it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = _key()
        self._name = _named(name)
        certificate = (
            _begun(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self._pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.file = folder / f"{name}.pem"
        _write(self.file, self._pem, self._key)

    def certificate(self, host: str) -> Path:
        """The file with the certificate of `host` and its key, as nginx wants it."""
        key = _key()
        certificate = (
            _begun(_named(host), self._name, key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(_usage(signs=False), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{host}.pem"
        _write(file, certificate.public_bytes(serialization.Encoding.PEM), key)
        return file

    def trust(self) -> ssl.SSLContext:
        """What a client on a managed PC has: this authority, and no other."""
        return ssl.create_default_context(cadata=self._pem.decode())


def _key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _begun(subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(hours=1),
        now + timedelta(hours=1),
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _write(file: Path, certificate: bytes, key: RSAPrivateKey) -> None:
    """The certificate first: who reads one certificate reads the first."""
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    file.write_bytes(certificate + key.private_bytes(serialization.Encoding.PEM, form, plain))
    file.chmod(0o600)
