"""How the settings come together, from all sources, and what is refused.

    defaults  <  TOML file  <  environment (CHATD_...)  <  command line

What is not known or not possible is refused at the start, all of it at once, by name and with
the reason. Reads files and the environment it is given; changes nothing.
"""

import base64
import binascii
import difflib
import os
import re
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec.inspect import (
    BoolType,
    CustomType,
    FloatType,
    IntType,
    StrType,
    VarTupleType,
    type_info,
)

from chatd.called import COMMAND_VARIABLE
from chatd.epochs.local_zone import is_time, is_zone
from chatd.issuers import NotIssuers, TicketIssuer, read_issuers
from chatd.settings import SECRET_BYTES, Settings, SettingsError
from chatd.sign_in.http import is_usable
from chatd.sign_in.settings import sign_in_problems
from rooms.catalog import MAX_EMBED, is_origin, is_room_name

ENV_PREFIX: Final = "CHATD_"
CONFIG_VARIABLE: Final = "CHATD_CONFIG"
CONFIG_NAME: Final = "chatd.toml"
NO_SETTINGS: Final = frozenset({CONFIG_VARIABLE, COMMAND_VARIABLE})
"""Variables that begin with the prefix, and say something else."""

REDIS_SCHEMES: Final = ("redis", "rediss", "unix")
DATABASE_SCHEMES: Final = ("postgresql", "postgres")


def load(
    given: Mapping[str, Any] | None = None,
    *,
    pairs: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """The settings from all sources; `given` is what the command line says (None: not said).

    `pairs` are what `--set` was given, NAME=VALUE each.

    Raises `SettingsError` with everything that is wrong, not only the first thing.
    """
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    values: dict[str, tuple[Any, str]] = {}  # name -> (raw value, where it comes from)

    from_env = {
        key.removeprefix(ENV_PREFIX).lower(): (value, key)
        for key, value in environ.items()
        if key.startswith(ENV_PREFIX) and key not in NO_SETTINGS
    }
    from_cli = {key: (value, "command line") for key, value in (given or {}).items() if value is not None}
    from_cli.update(_read_pairs(pairs, problems))

    file = _config_file(config, environ, from_env, from_cli)
    if file is not None:
        values.update(_read_toml(file, problems))
    values.update(from_env)
    values.update(from_cli)

    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    converted: dict[str, Any] = {}
    for name, (raw, source) in values.items():
        if name not in fields:
            problems.append(f"{_said(name, source)}: there is no such setting.{_nearest(name, fields)}")
            continue
        try:
            converted[name] = _convert(raw, fields[name].type)
        except NotIssuers as problem:
            problems.append(f"{_said(name, source)}: {problem}")
        except (msgspec.ValidationError, ValueError):
            problems.append(f"{_said(name, source)}: must be {_words(fields[name].type)}.")
    problems += _impossible(converted, values)
    if problems:
        raise SettingsError(problems)
    return Settings(**converted)


def _config_file(
    config: Path | None,
    environ: Mapping[str, str],
    from_env: Mapping[str, tuple[str, str]],
    from_cli: Mapping[str, tuple[Any, str]],
) -> Path | None:
    if config is not None:
        return config
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    data = from_cli.get("data") or from_env.get("data") or ("data", "")
    inside = Path(data[0]) / CONFIG_NAME
    return inside if inside.is_file() else None


def _read_toml(file: Path, problems: list[str]) -> dict[str, tuple[Any, str]]:
    try:
        with file.open("rb") as stream:
            table = tomllib.load(stream)
    except OSError as error:
        problems.append(f"config: {file} cannot be read: {error.strerror}.")
        return {}
    except UnicodeDecodeError:
        problems.append(f"config: {file} is not text in UTF-8.")
        return {}
    except tomllib.TOMLDecodeError as error:
        # Only the place: the message may quote what stands there, and that may be a secret.
        place = re.search(r"\(at .*\)\Z", str(error))
        problems.append(f"config: {file} is not valid TOML{f' {place[0]}' if place else ''}.")
        return {}
    return {name: (value, str(file)) for name, value in table.items()}


def _read_pairs(pairs: Sequence[str], problems: list[str]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if equals:
            found[name.strip()] = (value.strip(), "command line")
        else:
            problems.append(f"{name}: --set takes NAME=VALUE, and there is no value.")
    return found


def _convert(raw: Any, wanted: Any) -> Any:
    if wanted == tuple[TicketIssuer, ...]:
        return read_issuers(raw)
    if wanted == tuple[str, ...] and isinstance(raw, str):
        raw = [part.strip() for part in raw.split(",") if part.strip()]
    if _optional(wanted) and raw in ("", "none"):
        return None
    if wanted is Path:
        if not isinstance(raw, str | Path) or not str(raw):
            raise ValueError
        return Path(raw).expanduser()
    return msgspec.convert(raw, wanted, strict=not isinstance(raw, str))


def _optional(wanted: Any) -> bool:
    return isinstance(wanted, types.UnionType) and types.NoneType in wanted.__args__


def _impossible(values: Mapping[str, Any], sources: Mapping[str, tuple[Any, str]]) -> list[str]:
    """What is wrong although every single value has the right type."""
    problems: list[str] = []

    def refuse(name: str, why: str) -> None:
        problems.append(f"{_said(name, sources[name][1])}: {why}")

    if (masters := values.get("master_key")) is not None and not (
        1 <= len(masters.split()) <= 2 and all(map(_is_secret, masters.split()))
    ):
        refuse("master_key", "must be 32 bytes in base64, or two such: the new one and the old one.")
    if (secret := values.get("secret")) is not None and not _is_secret(secret):
        refuse("secret", "must be 32 bytes in base64; `openssl rand -base64 32` makes one.")
    if (redis := values.get("redis")) is not None and _scheme(redis) not in REDIS_SCHEMES:
        refuse("redis", "must be a URL that begins with redis://, rediss:// or unix://.")
    if (database := values.get("database")) is not None and _scheme(database) not in DATABASE_SCHEMES:
        refuse("database", "must be a URL that begins with postgresql://; leave it away for SQLite.")
    if (public_url := values.get("public_url")) is not None and not _is_origin(public_url.rstrip("/")):
        refuse("public_url", "must be like https://chat.example.org, without a path.")
    for origin in values.get("origins", ()):
        if not _is_origin(origin):
            refuse("origins", "each must be like https://intranet.example.org, without a path.")
            break
    if not all(map(is_origin, embedders := values.get("embed_origins", ()))) or len(embedders) > MAX_EMBED:
        like = "like https://intranet.example.org: lower case, no path, no usual port"
        refuse("embed_origins", f"at most {MAX_EMBED}, each {like}.")
    if (sign_in := values.get("sign_in_url")) is not None and not _is_page(sign_in):
        refuse("sign_in_url", "must be like https://intranet.example.org/ticket?room={room}, without a #.")
    for name, why in (*sign_in_problems(values), *_pass_problems(values), *_renewal_problems(values)):
        refuse(name, why)
    defaults = Settings()
    ping_timeout_s = values.get("ping_timeout_s", defaults.ping_timeout_s)
    if ping_timeout_s > values.get("ping_interval_s", defaults.ping_interval_s):
        name = "ping_timeout_s" if "ping_timeout_s" in values else "ping_interval_s"
        refuse(name, "ping_timeout_s must be at most ping_interval_s: one question at a time.")
    if (
        values.get("workers", 1) > 1
        and values.get("redis") is None
        and "redis" not in _broken(values, sources)
    ):
        refuse("workers", "more than one needs --redis URL: Redis carries messages between the processes.")
    return problems


def _pass_problems(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with staff passes: (setting, why)."""
    issuer, keys = values.get("pass_issuer"), values.get("pass_keys")
    if issuer is not None and not (_is_origin(issuer.rstrip("/")) and is_usable(issuer)):
        yield "pass_issuer", "must be like https://pass.example.org, without a path."
    if keys is not None and issuer is None:
        yield "pass_keys", "needs pass_issuer, whose keys they are."
    elif keys is not None and "://" in keys and not is_usable(keys):
        yield "pass_keys", "must be a file, or a URL that begins with https://."
    if not all(map(is_room_name, values.get("pass_rooms", ()))):
        yield "pass_rooms", "each must be the name of a room, as it stands in links."


def _renewal_problems(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with when rooms begin anew: (setting, why)."""
    if (time := values.get("renew_at")) is not None and not is_time(time):
        yield "renew_at", "must be a time of day such as 05:00."
    if (zone := values.get("renew_zone")) is not None and not is_zone(zone):
        yield "renew_zone", "there is no such zone; name one such as Europe/Berlin."


def _broken(values: Mapping[str, Any], sources: Mapping[str, tuple[Any, str]]) -> set[str]:
    """Settings that were said but could not be read; they have been complained about already."""
    return set(sources) - set(values)


def _scheme(url: str) -> str:
    return url.partition("://")[0] if "://" in url else ""


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  reading it is the check: ValueError where it is no port
    except ValueError:
        return False
    plain = not (parts.path or parts.query or parts.fragment or parts.username is not None)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain


def _is_page(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  reading it is the check: ValueError where it is no port
    except ValueError:
        return False
    plain = not (parts.fragment or parts.username is not None)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and len(text) <= 1000


def _is_secret(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == SECRET_BYTES
    except (binascii.Error, ValueError):
        return False


def _said(name: str, source: str) -> str:
    return name if source == "command line" else f"{name} (from {source})"


def _words(wanted: Any) -> str:
    """What a value has to be, in plain words. From the type alone: a reason could quote a secret."""
    if get_origin(wanted) is Literal:
        *others, last = get_args(wanted)
        return f"{', '.join(others)} or {last}"
    match kind := type_info(wanted):
        case BoolType():
            return "true or false"
        case IntType():
            return f"a whole number{_range(kind)}"
        case FloatType():
            return f"a number{_range(kind)}"
        case StrType(max_length=most) if most is not None:
            return f"text of 1 to {most} characters"
        case CustomType():
            return "the path of a folder"
        case VarTupleType():
            return "a list of texts, or one text with commas"
        case _:
            return "text"


def _range(kind: IntType | FloatType) -> str:
    if kind.gt is not None:
        return f" above {kind.gt:.15g}, and at most {kind.le or 0:.15g}"
    return f" from {kind.ge or 0:.15g} to {kind.le or 0:.15g}"


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
