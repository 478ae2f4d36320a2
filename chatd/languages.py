"""The sentences of the pages, in every language: which one a request asks for, and pages with them in.

    web/words/languages.json          the languages there are, each with its direction
    web/words/LANGUAGE/NAME.json      one catalogue: {"key": "A sentence with {name}."}

Read once at the start. A page names a sentence as `{{catalogue.key}}`, and what its modules will say as
`{{words: catalogue catalogue}}`, which becomes JSON (`web/words/say.js` reads it). What a language lacks
is said in English; `tests/test_words.py` sees to it that none lacks anything. Pure but for reading files.
"""

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from starlette.requests import Request

FOLDER: Final = "words"
ENGLISH: Final = "en"
PARAMETER: Final = "lang"
MODULES: Final = "embed/words/"
"""Where the element in pages of others finds its words, as modules: it may fetch nothing there."""
OF_ELEMENT: Final = "embed"
"""The catalogue with those words."""

CURRENT: Final = ' aria-current="true"'
MAX_HEADER: Final = 500
PLACE: Final = re.compile(r"\{\{(lang|dir|languages|words: [a-z ]+|[a-z]+\.[a-z0-9_]+)\}\}")
RANGE: Final = re.compile(r"\s*([a-zA-Z]{2,3})(?:-[\w-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?\Z")
"""A language range with its weight (RFC 9110, section 12.5.4); what is after the language is left out."""

Sentence: TypeAlias = str | dict[str, str]
"""One sentence; or one for each plural category of the language (CLDR), which only the page chooses among."""
Catalogue: TypeAlias = dict[str, Sentence]


class Language(msgspec.Struct, frozen=True):
    """`name` as it calls itself; `plurals` the categories of CLDR that its whole numbers fall into."""

    code: str
    name: str
    dir: str
    plurals: tuple[str, ...]


NO_OTHER: Final = (Language(ENGLISH, "English", "ltr", ("one", "other")),)


class Languages:
    """All catalogues under `root`/words. Where that folder is not, there is English without a word."""

    def __init__(self, root: Path) -> None:
        folder = root / FOLDER
        listed = folder / "languages.json"
        known = (
            msgspec.json.decode(listed.read_bytes(), type=tuple[Language, ...])
            if listed.exists()
            else NO_OTHER
        )
        self.all: Final[Mapping[str, Language]] = {one.code: one for one in known}
        """In the order in which they are offered; English is one of them."""
        english = _read(folder / ENGLISH)
        self._words: Mapping[str, Mapping[str, Catalogue]] = {
            code: _over(english, _read(folder / code)) for code in self.all
        }

    def of(self, request: Request) -> str:
        """The language to answer in: what the address says, else what the browser prefers, else English."""
        said = request.query_params.get(PARAMETER, "").lower().partition("-")[0]
        return said if said in self.all else self.preferred(request.headers.get("accept-language", ""))

    def preferred(self, accepted: str) -> str:
        """The best there is of an Accept-Language (RFC 9110, section 12.5.4); English where none is."""
        best, weight = ENGLISH, 0.0
        for part in accepted[:MAX_HEADER].split(","):
            found = RANGE.match(part)
            if found and found[1].lower() in self.all and float(found[2] or 1) > weight:
                best, weight = found[1].lower(), float(found[2] or 1)
        return best

    def say(self, language: str, key: str) -> str:
        """The sentence `catalogue.key`; the key itself where there is none, as the page does."""
        catalogue, _, name = key.partition(".")
        sentence = self._words[language].get(catalogue, {}).get(name, key)
        return sentence if isinstance(sentence, str) else sentence["other"]

    def filled(self, page: str, language: str) -> str:
        """The page with its sentences in."""

        def fill(found: re.Match[str]) -> str:
            place = found[1]
            if place == "lang":
                return language
            if place == "dir":
                return self.all[language].dir
            if place == "languages":
                return self._links(language)
            if place.startswith("words: "):
                return self._data(language, place.removeprefix("words: ").split())
            return html.escape(self.say(language, place))

        return PLACE.sub(fill, page)

    def modules(self) -> Mapping[str, bytes]:
        """By path: what the element in pages of others says, one module for each language."""
        return {
            f"{MODULES}{code}.js": b"/** Made from web/words/%s/embed.json. */\nexport default %s;\n"
            % (code.encode(), msgspec.json.encode(words.get(OF_ELEMENT, {})))
            for code, words in self._words.items()
        }

    def _data(self, language: str, catalogues: list[str]) -> str:
        """JSON that may stand inside <script>: nothing in it ends that (HTML, 4.12.1.3)."""
        words = {name: self._words[language].get(name, {}) for name in catalogues}
        return msgspec.json.encode(words).decode().replace("<", "\\u003c")

    def _links(self, language: str) -> str:
        """A link to this page in each language, by the language's own name."""
        return " ".join(
            f'<a href="?{PARAMETER}={one.code}" lang="{one.code}" hreflang="{one.code}" dir="{one.dir}"'
            f"{CURRENT if one.code == language else ''}>{html.escape(one.name)}</a>"
            for one in self.all.values()
        )


def _read(folder: Path) -> dict[str, Catalogue]:
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return {path.stem: msgspec.json.decode(path.read_bytes(), type=Catalogue) for path in files}


def _over(below: Mapping[str, Catalogue], above: Mapping[str, Catalogue]) -> dict[str, Catalogue]:
    return {name: {**catalogue, **above.get(name, {})} for name, catalogue in below.items()}
