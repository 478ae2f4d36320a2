"""Which language a page comes in, and that it is whole in it: sentences, words for its scripts, headers."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from chatd.app import WEB
from chatd.languages import Languages
from chatd.poster import in_one_file
from chatd.settings import Settings
from rooms.catalog import RoomSpec
from tests.chatd.test_app import Browser, browsing

ORIGIN = "https://intranet.example.org"
KNOWN = Languages(WEB)
CODES = list(KNOWN.all)
DATA = re.compile(r'<script type="application/json" id="words">(.*?)</script>')


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Browser]:
    async with browsing(Settings(data=tmp_path, open=True, embed_origins=(ORIGIN,))) as client:
        yield client


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("AR-eg", "ar"),
        ("nl, de;q=0.4, es;q=0.5", "es"),
        ("nl,pt;q=0.9", "en"),
        ("en;q=0.5,de;q=0.5", "en"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("*", "en"),
        ("de;q=2, fr;q=x, ;;,,=, es;q=0.001", "es"),
        ("x" * 600 + ",de", "en"),
        ("deu, zh-Hant-TW", "en"),
    ],
)
def test_the_browsers_preference_counts(accepted: str, language: str) -> None:
    assert KNOWN.preferred(accepted) == language


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("?lang=ar", "de", "ar"),
        ("?lang=fr-CA", "de", "fr"),
        ("?lang=DE", "", "de"),
        ("?lang=fy", "es-MX", "es"),
        ("?lang=", "de", "de"),
        ("?lang=../../etc&lang=<script>", "", "en"),
        ("?theme=dark", "ar", "ar"),
    ],
)
async def test_what_the_address_says_comes_first(
    client: Browser, query: str, accepted: str, language: str
) -> None:
    for path in ("/", "/room/night", "/embed/night", "/embed/night/window", "/doctor", "/room/night/poster"):
        answer = await client.get(path + query, headers={"accept-language": accepted})
        assert answer.headers["content-language"] == language, path
        assert answer.headers["vary"] == "accept-encoding, accept-language"
        root = re.search(r"<html ([^>]*)>", answer.text)
        assert root
        assert len(re.findall(r"\blang=", root[1])) == 1, path
        assert (
            root[1]
            .replace('data-theme="light"', "")
            .strip()
            .endswith(f'lang="{language}" dir="{KNOWN.all[language].dir}"')
        )
        assert (await again(client, path + query, accepted, answer.headers["etag"])).status_code == 304


async def again(client: Browser, path: str, accepted: str, etag: str) -> httpx.Response:
    return await client.get(path, headers={"accept-language": accepted, "if-none-match": etag})


@pytest.mark.parametrize("language", CODES)
async def test_a_page_is_whole_in_every_language(client: Browser, language: str) -> None:
    """No place is left open, no English stands where the language has a sentence, and scripts get theirs."""
    for path, heading in (("/", "lobby.heading"), ("/room/a", "entry.title"), ("/doctor", "doctor.title")):
        answer = await client.get(f"{path}?lang={language}")
        assert "{{" not in answer.text, path
        assert f">{html.escape(KNOWN.say(language, heading))}<" in answer.text
        data = DATA.search(answer.text)
        assert data
        words = msgspec.json.decode(data[1], type=dict[str, dict[str, str | dict[str, str]]])
        assert words["common"]["hide"] == KNOWN.say(language, "common.hide")
        assert all(words.values())
        assert answer.text.count('aria-current="true"') == (0 if path == "/doctor" else 1)


async def test_errors_speak_it_too_and_programs_get_english(client: Browser) -> None:
    page = await client.get("/nothing?lang=de")
    assert (page.status_code, page.headers["content-language"]) == (404, "de")
    assert "Hier ist nichts" in page.text
    unsaid = await client.post("/", headers={"accept-language": "ar"})
    assert unsaid.status_code == 405
    assert '<html lang="ar" dir="rtl">' in unsaid.text
    assert KNOWN.say("ar", "pages.problem_405") in unsaid.text
    problem = await client.get("/api/nothing", headers={"accept-language": "ar"})
    assert problem.json()["message"].startswith("There is nothing here.")


async def test_the_element_finds_its_words_as_a_module(client: Browser) -> None:
    """JSON may not be fetched from a page whose policy allows a script and a frame, and nothing else."""
    for language in CODES:
        answer = await client.get(f"/static/embed/words/{language}.js")
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["access-control-allow-origin"] == "*"
        exported = re.fullmatch(r"export default ?(\{.*\});", answer.text)
        assert exported
        assert msgspec.json.decode(exported[1])["close"] == KNOWN.say(language, "embed.close")
    assert (await client.get("/static/embed/words/fy.js")).status_code == 404


def test_what_a_language_lacks_is_said_in_english(tmp_path: Path) -> None:
    """And what English lacks is its own name, so that a page never breaks for a word."""
    folder = tmp_path / "words"
    files = {
        "languages.json": (WEB / "words/languages.json").read_text("utf-8"),
        "en/a.json": '{"x": "X & <b>", "y": "Y", "z": {"one": "1", "other": "{count} </script>"}}',
        "de/a.json": '{"x": "Ü"}',
        "de/b.json": '{"only": "hier"}',
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    known = Languages(tmp_path)
    assert known.filled('{{a.x}}|{{a.y}}|<p title="{{a.x}}">{{a.no}} {{no.no}} {{ a.x }}', "de") == (
        'Ü|Y|<p title="Ü">a.no no.no {{ a.x }}'
    )
    assert known.filled("{{a.x}} {{a.z}}", "en") == "X &amp; &lt;b&gt; {count} &lt;/script&gt;"
    data = known.filled("{{words: a b}}", "de")
    assert "<" not in data
    assert msgspec.json.decode(data) == {
        "a": {"x": "Ü", "y": "Y", "z": {"one": "1", "other": "{count} </script>"}},
        "b": {},
    }
    assert Languages(tmp_path / "none").filled('<html lang="{{lang}}">{{a.x}}', "en") == '<html lang="en">a.x'


def test_a_poster_is_printed_in_a_language() -> None:
    page = in_one_file(RoomSpec(name="tea", title="شاي {{lobby.title}}"), Settings(), "ar")
    assert '<html lang="ar" dir="rtl" ' in page
    assert KNOWN.say("ar", "pages.poster_what") in page
    assert '<h1 dir="auto">شاي {{lobby.title}}</h1>' in page  # a title is no template
    assert KNOWN.say("ar", "pages.poster_qr") in page
