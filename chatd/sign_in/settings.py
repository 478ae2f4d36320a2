"""The settings of single sign-on: what does not fit together, and the client's secret.

Reads the file with the secret, and nothing else.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chatd.settings import Settings, SettingsError
from chatd.sign_in.http import is_usable

MAX_SECRET_BYTES: Final = 4096


def sign_in_problems(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What does not fit together in the settings that were said: (setting, why). Quotes no value."""
    said = [name for name in values if name.startswith("oidc_") and values[name] not in (None, ())]
    issuer, public_url = values.get("oidc_issuer"), values.get("public_url")
    if issuer is None:
        if said:
            yield said[0], "means nothing without oidc_issuer, the provider to sign in with."
        return
    if not is_usable(issuer) or "?" in issuer:
        like = "https://login.example.org/realms/hospital"
        yield "oidc_issuer", f"must be like {like}, exactly as the provider calls itself."
    if values.get("oidc_client_id") is None:
        yield "oidc_issuer", "needs oidc_client_id as well: what the provider calls this server."
    if values.get("oidc_client_secret") is not None and values.get("oidc_client_secret_file") is not None:
        yield "oidc_client_secret", "leave it away, or oidc_client_secret_file: one of the two."
    if any(" " in scope for scope in values.get("oidc_scopes", ())):
        yield "oidc_scopes", "a scope has no space in it; put a comma between two."
    if values.get("sign_in_url") is not None:
        yield "sign_in_url", "leave it away where oidc_issuer is set: people sign in at one place."
    if public_url is not None and not is_usable(public_url):
        yield "public_url", "must begin with https:// where people sign in: browsers keep no sign-in else."


def client_secret(settings: Settings) -> str | None:
    """From the setting, or from its file. `SettingsError`, which shows nothing of it."""
    if settings.oidc_client_secret_file is None:
        return settings.oidc_client_secret
    path = settings.data / settings.oidc_client_secret_file
    try:
        with path.open("rb") as file:
            secret = file.read(MAX_SECRET_BYTES + 1).decode().strip()
    except OSError as error:
        raise SettingsError([f"oidc_client_secret_file: {path} cannot be read: {error.strerror}."]) from None
    except UnicodeDecodeError:
        secret = ""
    if not 0 < len(secret) <= MAX_SECRET_BYTES or not secret.isprintable():
        raise SettingsError([f"oidc_client_secret_file: {path} does not hold one line of text."])
    return secret
