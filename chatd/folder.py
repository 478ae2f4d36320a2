"""The data folder: there, ours, and closed to others, before anything is kept in it."""

import os

from chatd.settings import Settings, load_secret


class CannotUse(Exception):
    """The data folder cannot be used; the sentence says why and what to do."""


def prepare_folder(settings: Settings) -> bytes:
    """Make the folder where it is missing (mode 0700). The secret in it. `CannotUse`, `SettingsError`."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotUse(
            f"The data folder {settings.data} cannot be made: {error.strerror}. Choose another: --data FOLDER"
        ) from None
    if not os.access(settings.data, os.R_OK | os.W_OK | os.X_OK):
        raise CannotUse(
            f"The data folder {settings.data} cannot be written by this user. "
            "Change its owner, or choose another: --data FOLDER"
        )
    return load_secret(settings)
