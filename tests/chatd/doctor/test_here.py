"""The doctor: finds what is wrong, says what to do, and leaves nothing behind."""

import io
import os
import re
import sqlite3
from pathlib import Path

import pytest
from rich.console import Console

from chatd.doctor import here as doctor
from chatd.issuer_key import make
from chatd.settings import STORE_NAME, Settings, load_secret
from chatd.settings_load import load
from rooms.store_sql import migrate
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import run_chatd


def told(settings: Settings) -> tuple[int, str]:
    text = io.StringIO()
    return doctor.report(settings, Console(file=text, width=200)), text.getvalue()


async def test_a_server_that_has_run_is_well(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", max_connections=100)
    (tmp_path / "data").mkdir(mode=0o700)
    load_secret(settings)
    await migrate(settings.store)
    before = sorted(os.listdir(settings.data))
    code, text = told(settings)
    assert code == 0
    assert "WAL, whole" in text
    assert "FAIL" not in text
    assert sorted(os.listdir(settings.data)) == before


def test_before_the_first_start_there_is_nothing_to_complain_of(tmp_path: Path) -> None:
    code, text = told(Settings(data=tmp_path / "new"))
    assert code == 0
    assert "will be made" in text
    assert os.listdir(tmp_path) == []


def test_key_files_of_issuers_are_looked_at(tmp_path: Path) -> None:
    made = make(tmp_path, "https://intranet.example.org", "HS256", to_file=False)
    (tmp_path / "chatd.toml").write_text(made.settings)
    settings = load({"data": tmp_path}, environ={})
    assert doctor.check_issuers(settings).verdict == "ok"
    made.public_file.chmod(0o644)
    finding = doctor.check_issuers(settings)
    assert (finding.verdict, finding.remedy) == ("warning", f"chmod 600 {made.public_file}")
    made.public_file.write_text("short")
    finding = doctor.check_issuers(settings)
    assert finding.verdict == "failure"
    assert str(made.public_file) in finding.seen
    assert "short" not in finding.seen
    made.public_file.unlink()
    assert doctor.check_issuers(settings).verdict == "failure"
    assert doctor.check_issuers(Settings(data=tmp_path)).verdict == "ok"


async def test_the_command(tmp_path: Path) -> None:
    code, out, err = await run_chatd("doctor", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "This server can run." in out
    code, out, err = await run_chatd("doctor", "--set", "redis=redis://127.0.0.1:1", cwd=tmp_path)
    assert (code, err) == (1, "")
    assert "FAIL" in out


async def test_it_takes_what_serve_takes(tmp_path: Path) -> None:
    """So that the line that fails can be called with `doctor` in place of `serve`."""
    code, out, _ = await run_chatd(
        *("doctor", "--redis", "redis://127.0.0.1:1", "--workers", "2", "--open", "--port", "0"), cwd=tmp_path
    )
    assert code == 1
    assert "anybody may enter" in out

    def options(text: str) -> set[str]:
        return set(re.findall(r"--[a-z-]+", text))

    _, serving, _ = await run_chatd("serve", "--help", cwd=tmp_path)
    _, looking, _ = await run_chatd("doctor", "--help", cwd=tmp_path)
    assert options(serving) <= options(looking)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    finding = doctor.check_folder(Settings(data=tmp_path / "file"))
    assert (finding.verdict, finding.remedy) == ("failure", "Name another one with --data.")


def test_a_folder_that_cannot_be_written() -> None:
    """/proc, where not even root may."""
    finding = doctor.check_folder(Settings(data=Path("/proc")))
    assert (finding.verdict, "--data" in finding.remedy) == ("failure", True)


def test_a_folder_that_others_may_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    finding = doctor.check_folder(Settings(data=tmp_path))
    assert finding.verdict == "warning"
    assert "chmod 700" in finding.remedy


def test_a_secret_that_others_may_read_or_that_is_damaged(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    load_secret(settings)
    (tmp_path / "secret").chmod(0o644)
    assert doctor.check_secret(settings).verdict == "failure"
    (tmp_path / "secret").chmod(0o600)
    assert doctor.check_secret(settings).verdict == "ok"
    (tmp_path / "secret").write_text("hunter2")
    finding = doctor.check_secret(settings)
    assert finding.verdict == "failure"
    assert "hunter2" not in finding.seen + finding.remedy


def test_a_store_that_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / STORE_NAME
    path.write_bytes(b"no database" * 1000)
    finding = doctor.check_sqlite(Settings(data=tmp_path))
    assert (finding.verdict, "backup" in finding.remedy) == ("failure", True)

    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=wal")
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 2000)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert doctor.check_sqlite(Settings(data=tmp_path)).verdict == "ok"
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(4096 * 20))
    assert doctor.check_sqlite(Settings(data=tmp_path)).verdict == "failure"


def test_a_store_that_is_not_in_wal_mode(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / STORE_NAME)
    database.execute("CREATE TABLE t (x)")
    database.close()
    assert doctor.check_sqlite(Settings(data=tmp_path)).verdict == "warning"


def test_redis_that_answers_and_that_does_not(valkey: Valkey) -> None:
    finding = doctor.check_redis(Settings(redis=valkey.url))
    assert (finding.verdict, "comes back in" in finding.seen) == ("ok", True)
    finding = doctor.check_redis(Settings(redis="redis://:hunter2@127.0.0.1:1"))
    assert (finding.verdict, "hunter2" in finding.seen + finding.remedy) == ("failure", False)


def test_redis_that_is_frozen(breakable_valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "WAIT_S", 0.3)
    breakable_valkey.freeze()
    assert doctor.check_redis(Settings(redis=breakable_valkey.url)).verdict == "failure"


def test_postgres_that_does_not_answer() -> None:
    settings = Settings(database="postgresql://somebody:hunter2@127.0.0.1:1/none")
    finding = doctor.check_postgres(settings)
    assert (finding.verdict, "hunter2" in finding.seen + finding.remedy) == ("failure", False)


def test_settings_that_are_only_right_for_trying_out() -> None:
    assert doctor.check_settings(Settings(open=True)).verdict == "warning"
    assert doctor.check_settings(Settings(host="0.0.0.0")).verdict == "warning"
    assert doctor.check_settings(Settings(host="0.0.0.0", public_url="https://x.example")).verdict == "ok"


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_space(Settings(data=tmp_path)).verdict in ("ok", "warning")
    monkeypatch.setattr(doctor, "NO_SPACE_BYTES", 1 << 60)
    assert doctor.check_space(Settings(data=tmp_path)).verdict == "failure"


def test_a_clock_that_is_far_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_clock(Settings()).verdict == "ok"
    monkeypatch.setattr(doctor, "BUILT_YEAR", 2999)
    assert doctor.check_clock(Settings()).verdict == "failure"


def test_files_are_enough_or_not() -> None:
    assert doctor.check_files(Settings(max_connections=1)).verdict == "ok"
    assert doctor.check_files(Settings(max_connections=10_000_000)).verdict in ("warning", "failure")


def test_every_complaint_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "none" / "there", redis="redis://127.0.0.1:1", open=True)
    for finding in doctor.examine(settings):
        assert finding.verdict == "ok" or finding.remedy, finding.what
