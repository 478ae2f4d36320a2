"""Templates: what a planner starts from. Plain TOML files, ours and the organisation's own.

    *.toml, beside this file  check_in_round, difficult_case, moral_distress, after_an_incident ...
    the setting `templates`    a folder with more; one of the same name stands in the place of ours

A file that cannot be used is named with what is wrong, and the others are there. Reads files only.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from chatd.settings import Settings
from rooms.command import RoomName
from rooms.series import MAX_RESOURCES, LocalDate, Title
from rooms.session import MAX_AGENDA, MAX_GROUP, Item, Line, Words

OURS: Final = Path(__file__).parent
MAX_FILES: Final = 100
MAX_BYTES: Final = 64 * 1024


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A series without a time and a place."""

    name: RoomName
    """The file's, without `.toml`."""
    title: Title
    about: Words = ""
    why: Words = ""
    """For the planner: when to take this one."""
    agenda: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=MAX_AGENDA)]
    capacity: Annotated[int, Meta(ge=2, le=MAX_GROUP)] = 8
    minimum: Annotated[int, Meta(ge=1, le=MAX_GROUP)] = 3
    by_hand: bool = False
    unheard_first: bool = False
    slow_mode_s: Annotated[int, Meta(ge=0, le=60)] = 0
    resources: Annotated[
        tuple[tuple[Line, Annotated[str, Meta(max_length=500)]], ...], Meta(max_length=MAX_RESOURCES)
    ] = ()
    support: Annotated[tuple[tuple[Line, Line, LocalDate], ...], Meta(max_length=10)] = ()


NO_FIELDS: Final = frozenset({"name", "why"})
"""What of a template is no field of a series."""


def templates_of(settings: Settings) -> tuple[list[Template], list[str]]:
    """(all of them by name, a sentence for each file that cannot be used)."""
    found: dict[str, Template] = {}
    problems: list[str] = []
    folders = [OURS]
    if settings.templates is not None:
        folders.append(settings.data / settings.templates)
    for folder in folders:
        try:
            files = sorted(folder.glob("*.toml"))
            if not folder.is_dir():
                problems.append("The folder that the setting `templates` names is not there.")
        except OSError:
            files = []
            problems.append("The folder that the setting `templates` names cannot be read.")
        if len(files) > MAX_FILES:
            problems.append(f"Only the first {MAX_FILES} templates are looked at.")
        for file in files[:MAX_FILES]:
            template = _read(file)
            if isinstance(template, str):
                problems.append(f"{file.name}: {template}")
            else:
                found[template.name] = template
    return [found[name] for name in sorted(found)], problems


def _read(file: Path) -> Template | str:
    """The template in `file`; or a sentence on what is wrong with it."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            return f"it is longer than {MAX_BYTES // 1024} KB."
        table = tomllib.loads(raw.decode())
    except OSError as error:
        return f"it cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        return "it is not text in UTF-8."
    except tomllib.TOMLDecodeError as error:
        return f"it is not valid TOML: {error}."
    try:
        return msgspec.convert({**table, "name": file.stem}, Template)
    except msgspec.ValidationError as error:
        return f"{error}."
