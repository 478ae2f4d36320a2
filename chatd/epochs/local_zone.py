"""The zone of the machine's clock, by its name, and the periods of rooms that follow from it.

Reads the variable TZ and the link /etc/localtime.
"""

import os
import re
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from chatd.settings import Settings
from rooms.periods import Periods

LOCALTIME: Final = Path("/etc/localtime")
UTC: Final = "UTC"


def is_time(text: str) -> bool:
    """Whether it is a time of day: 00:00 to 23:59."""
    return re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text, re.ASCII) is not None


def is_zone(name: str) -> bool:
    """Whether there is a zone of this name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown (ZoneInfoNotFoundError is a KeyError), or a folder
        return False
    return True


def local_zone() -> str:
    """The name of the zone that this machine's clock shows; UTC where it does not say."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name and LOCALTIME.is_symlink():
        name = str(LOCALTIME.resolve()).rpartition("zoneinfo/")[2]
    return name if name and is_zone(name) else UTC


def periods(settings: Settings) -> Periods:
    """When rooms begin anew, as the settings say."""
    hour, minute = settings.renew_at.split(":")
    return Periods(at=int(hour) * 60 + int(minute), zone=settings.renew_zone or local_zone())
