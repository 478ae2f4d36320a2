"""Settings: where they come from, in which order, what is refused, and that secrets stay secret."""

import base64
import itertools
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from chatd.settings import Settings, SettingsError, decode, encode, load_secret
from chatd.settings_load import load

SECRET = base64.b64encode(bytes(range(32))).decode()


def problems(given: dict[str, object] | None = None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(given, environ=environ or {})
    return caught.value.problems


def test_nothing_said_is_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(environ={}) == Settings()


def test_each_source_overrides_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "chatd.toml"
    file.write_text('port = 1001\nhost = "127.0.0.2"\nlog_level = "error"\n')
    environ = {"CHATD_PORT": "1002", "CHATD_HOST": "127.0.0.3", "CHATD_CONFIG": str(file), "HOME": "/"}
    settings = load({"port": 1003, "host": None}, environ=environ)
    assert (settings.port, settings.host, settings.log_level) == (1003, "127.0.0.3", "error")


@pytest.mark.parametrize("how", ["command line", "environment"])
def test_the_file_in_the_data_folder_is_found(tmp_path: Path, how: str) -> None:
    (tmp_path / "chatd.toml").write_text("port = 1001")
    given, environ = (
        ({"data": tmp_path}, {}) if how == "command line" else ({}, {"CHATD_DATA": str(tmp_path)})
    )
    assert load(given, environ=environ).port == 1001


def test_words_become_values() -> None:
    environ = {
        "CHATD_OPEN": "true",
        "CHATD_ORIGINS": "https://a.example, https://b.example:8443",
        "CHATD_POST_PER_S": "0",
        "CHATD_DATA": "~/here",
        "CHATD_REDIS": "",
        "CHATD_PING_TIMEOUT_S": "2.5",
    }
    settings = load(environ=environ)
    assert settings.open is True
    assert settings.origins == ("https://a.example", "https://b.example:8443")
    assert settings.post_per_s == 0
    assert settings.data == Path("~/here").expanduser()
    assert settings.redis is None
    assert settings.ping_timeout_s == 2.5


def test_everything_wrong_is_said_at_once_by_name_and_source(tmp_path: Path) -> None:
    file = tmp_path / "chatd.toml"
    file.write_text('prot = 80\nworkers = "many"\n')
    said = problems(
        {"port": 99999}, {"CHATD_CONFIG": str(file), "CHATD_LOG_LEVEL": "loud", "CHATD_HOTS": "x"}
    )
    assert len(said) == 5
    assert any(text.startswith("port: ") for text in said)
    assert any(text.startswith("prot (from ") and "Did you mean port?" in text for text in said)
    assert any(text.startswith("workers (from ") for text in said)
    assert any(text.startswith("log_level (from CHATD_LOG_LEVEL): ") for text in said)
    assert any(text.startswith("hots (from CHATD_HOTS): there is no such setting.") for text in said)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("log_level", "loud", "must be debug, info, warning or error."),
        ("port", "99999", "must be a whole number from 0 to 65535."),
        ("port", "many", "must be a whole number from 0 to 65535."),
        ("drain_s", "-1", "must be a number from 0 to 3600."),
        ("typing_every_s", "0", "must be a number above 0, and at most 3600."),
        ("max_connections", "0", "must be a whole number from 1 to 10000000."),
        ("open", "perhaps", "must be true or false."),
        ("data", "", "must be the path of a folder."),
        ("host", "", "must be text of 1 to 253 characters."),
    ],
)
def test_the_reason_is_in_plain_words(name: str, value: str, why: str) -> None:
    assert problems(environ={f"CHATD_{name.upper()}": value}) == [
        f"{name} (from CHATD_{name.upper()}): {why}"
    ]


def test_what_set_says_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"port": 1}, pairs=["workers", "post_per_s=fast", "prot=1", "drain_s=3"], environ={})
    assert [text.partition(":")[0] for text in caught.value.problems] == ["workers", "post_per_s", "prot"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "-1"),
        ("port", "80.5"),
        ("drain_s", "nan"),
        ("drain_s", "inf"),
        ("post_per_s", "nan"),
        ("workers", "0"),
        ("open", "perhaps"),
        ("redis", "http://x"),
        ("redis", "localhost:6379"),
        ("database", "mysql://x"),
        ("public_url", "chat.example.org"),
        ("public_url", "https://chat.example.org/path"),
        ("origins", "https://ok.example,null"),
        ("origins", "https://user@ok.example"),
        ("origins", "https://ok.example:port"),
        ("embed_origins", "https://ok.example,https://*.example"),
        ("embed_origins", "https://ok.example; script-src *"),
        ("sign_in_url", "intranet/ticket"),
        ("sign_in_url", "https://intranet.example/ticket#ticket="),
        ("secret", "short"),
        ("secret", base64.b64encode(bytes(31)).decode()),
        ("ping_timeout_s", "21"),
        ("ping_interval_s", "19"),
        ("data", ""),
    ],
)
def test_what_is_not_possible_is_refused(name: str, value: str) -> None:
    [said] = problems(environ={f"CHATD_{name.upper()}": value})
    assert said.startswith(f"{name} (from CHATD_{name.upper()}): ")
    assert said.endswith(".")


def test_several_workers_need_redis() -> None:
    [said] = problems({"workers": 2})
    assert "--redis" in said
    assert load({"workers": 2, "redis": "redis://x"}, environ={}).workers == 2
    # A Redis that is wrong is one problem, not two.
    assert len(problems({"workers": 2, "redis": "x"})) == 1


@pytest.mark.parametrize("text", [b"port = ", b'secret = "hunter2', b"\xff\xfe"])
def test_a_broken_file_is_named_and_not_quoted(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "chatd.toml"
    file.write_bytes(text)
    [said] = problems(environ={"CHATD_CONFIG": str(file)})
    assert str(file) in said
    assert "hunter2" not in said


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    [said] = problems(environ={"CHATD_CONFIG": str(tmp_path / "none.toml")})
    assert "cannot be read" in said


def test_secrets_are_never_shown() -> None:
    environ = {
        "CHATD_SECRET": SECRET,
        "CHATD_REDIS": "redis://:hunter2@x",
        "CHATD_DATABASE": "postgresql://u:hunter2@x/y",
    }
    settings = load(environ=environ)
    for text in (repr(settings), str(settings), f"{settings}"):
        assert "hunter2" not in text
        assert SECRET not in text
        assert "redis='***'" in text or "redis=***" in text
    wrong = problems(
        environ={"CHATD_SECRET": "hunter2", "CHATD_REDIS": "hunter2", "CHATD_DATABASE": "hunter2"}
    )
    assert len(wrong) == 3
    assert "hunter2" not in " ".join(wrong)


def test_settings_reach_a_worker_whole() -> None:
    settings = load(
        {"data": "/x", "origins": "https://a.example", "secret": SECRET, "redis": "redis://x", "workers": 3},
        environ={},
    )
    assert decode(encode(settings)) == settings


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0", "port": 1}, "http://127.0.0.1:1"),
        ({"host": "::", "port": 1}, "http://[::1]:1"),
        ({"host": "chat.local", "port": 1}, "http://chat.local:1"),
        ({"public_url": "https://chat.example.org/"}, "https://chat.example.org"),
    ],
)
def test_the_address_that_people_use(given: dict[str, object], url: str) -> None:
    assert load(given, environ={}).url == url


def test_every_setting_says_what_it_is() -> None:
    """The documentation is beside the field: a string after each one."""
    import ast
    import inspect

    import chatd.settings

    tree = ast.parse(inspect.getsource(chatd.settings))
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings").body
    for node, after in itertools.pairwise(body):
        if isinstance(node, ast.AnnAssign):
            assert isinstance(after, ast.Expr), ast.unparse(node)


# ---- the secret --------------------------------------------------------------------------------


def test_the_secret_is_made_once_and_only_ours(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "new")
    secret = load_secret(settings)
    assert len(secret) == 32
    assert load_secret(settings) == secret
    assert stat.S_IMODE((tmp_path / "new" / "secret").stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "new") == ["secret"]


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(lambda _: load_secret(settings), range(64)))
    assert len(secrets) == 1
    assert os.listdir(tmp_path) == ["secret"]


def test_the_setting_comes_before_the_file(tmp_path: Path) -> None:
    assert load_secret(Settings(data=tmp_path, secret=SECRET)) == bytes(range(32))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"hunter2", b"A" * 1000, b"\xff" * 44])
def test_a_secret_that_was_damaged_is_refused_and_not_shown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_secret(Settings(data=tmp_path))
    assert "hunter2" not in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]  # that it is refused is what is tested
    assert msgspec.structs.replace(Settings(), port=1).port == 1
