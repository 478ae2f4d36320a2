"""The clock of the wall: which zone the machine is in, and what the settings make of it."""

from pathlib import Path

import pytest

from chatd.epochs import local_zone as module
from chatd.epochs.local_zone import is_time, is_zone, local_zone, periods
from chatd.settings import Settings, SettingsError
from chatd.settings_load import load
from rooms.periods import Periods


@pytest.mark.parametrize("text", ["00:00", "05:00", "23:59"])
def test_times_of_day(text: str) -> None:
    assert is_time(text)


@pytest.mark.parametrize("text", ["", "5:00", "24:00", "05:60", "05:00\n", "05.00", "٠٥:٠٠"])
def test_what_is_no_time_of_day(text: str) -> None:
    assert not is_time(text)


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "Europe"])
def test_what_is_no_zone(name: str) -> None:
    assert not is_zone(name)


def test_the_machine_says_its_zone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TZ", ":Europe/Paris")
    assert local_zone() == "Europe/Paris"
    monkeypatch.setenv("TZ", "CET-1CEST")
    assert local_zone() == "UTC", "a rule has no name"
    monkeypatch.delenv("TZ")
    link = tmp_path / "localtime"
    monkeypatch.setattr(module, "LOCALTIME", link)
    assert local_zone() == "UTC"
    (zone := tmp_path / "zoneinfo" / "Asia" / "Amman").parent.mkdir(parents=True)
    zone.touch()
    link.symlink_to(zone)
    assert local_zone() == "Asia/Amman"


def test_the_settings_say_when_rooms_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Rome")
    assert periods(Settings()) == Periods(at=300, zone="Europe/Rome")
    set_ = load({}, pairs=["renew_at=23:30", "renew_zone=Africa/Cairo"], environ={})
    assert periods(set_) == Periods(at=23 * 60 + 30, zone="Africa/Cairo")


@pytest.mark.parametrize(
    ("pair", "why"), [("renew_at=5 am", "a time of day"), ("renew_zone=Mars", "no such zone")]
)
def test_what_is_no_time_or_zone_is_refused_at_the_start(pair: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({}, pairs=[pair], environ={})
    assert why in refused.value.problems[0]
