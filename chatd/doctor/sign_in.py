"""One check of `chatd doctor`: that the single sign-on provider answers, and is one to sign in with.

Asks it for its description and its keys, as the server does; sends nothing about anybody, and no secret.
"""

from typing import Final

from chatd.doctor.here import Finding, ok
from chatd.issuers import Algorithm
from chatd.keysets import KeyProblem, parse
from chatd.settings import Settings, SettingsError
from chatd.sign_in.cookies import CALLBACK
from chatd.sign_in.http import Away, fetch
from chatd.sign_in.provider import ALGORITHMS, WELL_KNOWN, described
from chatd.sign_in.settings import client_secret

WHAT: Final = "Sign-in"


def check_sign_in(settings: Settings) -> Finding:
    """Without it nobody can sign in; who has signed in already stays."""
    if settings.oidc_issuer is None:
        return ok(WHAT, "not used: people come with tickets, or rooms are open")
    try:
        client_secret(settings)
    except SettingsError as error:
        return Finding(WHAT, "failure", error.problems[0], "Put the secret there, as the provider shows it.")
    try:
        metadata = described(fetch(f"{settings.oidc_issuer.rstrip('/')}{WELL_KNOWN}"), settings.oidc_issuer)
        keys = fetch(metadata.jwks_uri)
    except Away as away:
        return Finding(
            WHAT,
            "failure",
            f"the provider: {away}",
            "Is `oidc_issuer` exactly what it calls itself, and may this machine reach it? A proxy is taken "
            "from HTTPS_PROXY, an authority of your own from SSL_CERT_FILE.",
        )
    if not any(_has_key(keys.body, algorithm) for algorithm in ALGORITHMS):
        return Finding(
            WHAT,
            "failure",
            "the provider has no key that is used here",
            f"Let it sign ID tokens with {', '.join(ALGORITHMS)}.",
        )
    return ok(WHAT, f"the provider answers; it has to send people back to {settings.url}{CALLBACK}")


def _has_key(jwks: bytes, algorithm: Algorithm) -> bool:
    try:
        return bool(parse(jwks, algorithm))
    except KeyProblem:
        return False
