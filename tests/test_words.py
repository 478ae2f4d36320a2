"""The catalogues in web/words: every language has every sentence, and no sentence is written elsewhere.

Reads files only, so `scripts/check` runs it too. What the sentences become is tests/web/say.test.js; that
pages come in the right language is tests/chatd/test_languages.py.
"""

import re
from functools import cache

import msgspec
import pytest

from chatd.wire import ErrorCode
from tests.tree import ROOT, named, none

WEB = ROOT / "web"
FOLDER = WEB / "words"

Forms = dict[str, str]
Catalogue = dict[str, str | Forms]


class Language(msgspec.Struct):
    code: str
    name: str
    dir: str
    plurals: list[str]


LANGUAGES = msgspec.json.decode((FOLDER / "languages.json").read_bytes(), type=list[Language])
NAME = r"[a-z]+\.[a-z0-9_]+"
SAYS = {
    "html": re.compile(rf"\{{\{{({NAME})\}}\}}"),
    "js": re.compile(rf"""["'`]({NAME})["'`]"""),
    "py": re.compile(rf'"({NAME})"'),
}
FILE = re.compile(r"\.(js|json|html|css|py)\Z")
PLACE = re.compile(r"\{(\w+)\}")
CLIENTS_OWN = {"lost", "erased", "anew", "not_passed", "sign_in_needed"}
"""Refusals that no server ever sends: the page's client makes them."""

SENTENCE = re.compile(r"""(["'`])[A-Z¿¡][a-z’']* (?:(?!\1)[^\\\n])*\1""")
"""Text in quotes that begins with a capital and has a second word."""
NO_SENTENCE = re.compile(
    r"new \w*Error\(|console\.|^\s*(\*|//|/\*)|message: |#refuse\(|#turnBack\(|const sentence = "
    r"|`Bearer |Chromium"
)
"""What is thrown or logged is for whoever programs; what a client says carries its code, and the page says
that; comments; names."""
NO_PAGE = {"styleguide.js", "styleguide_session.js", "styleguide.html", "client/index.js"}
"""Nobody but who works on the pages reads these."""


def catalogues(language: str) -> dict[str, Catalogue]:
    files = sorted((FOLDER / language).glob("*.json"))
    return {file.stem: msgspec.json.decode(file.read_bytes(), type=Catalogue) for file in files}


ENGLISH = catalogues("en")
ALL = {f"{name}.{key}" for name, catalogue in ENGLISH.items() for key in catalogue}


@cache
def sources() -> dict[str, str]:
    """By name: what says something."""
    files = [file for kind in ("*.js", "*.html") for file in WEB.rglob(kind)]
    files += (ROOT / "chatd").glob("*.py")
    return {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in sorted(files)}


@cache
def said() -> tuple[dict[str, str], dict[str, str]]:
    """Keys that are said, and beginnings of keys; each with where."""
    whole: dict[str, str] = {}
    begun: dict[str, str] = {}
    names = "|".join(sorted(ENGLISH))
    for source, text in sources().items():
        for key in re.findall(SAYS[source.rpartition(".")[2]], text):
            if key.split(".")[0] in ENGLISH and not FILE.search(key):
                whole.setdefault(key, source)
        for key in re.findall(rf"""["'`]((?:{names})\.[a-z0-9_]*)\$?\{{""", text):
            begun.setdefault(key, source)
    element = "".join(text for source, text in sources().items() if source.startswith("web/embed/"))
    for key in re.findall(r"\b(?:said|\(await words\(wanted\)\))\.(\w+)", element):
        whole.setdefault(f"embed.{key}", "web/embed")
    return whole, begun


def test_english_is_there_and_every_other_language_is_listed() -> None:
    codes = [language.code for language in LANGUAGES]
    assert codes[0] == "en"
    assert sorted(codes) == sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
    modules = re.search(r"SPOKEN = \[(.*?)\]", (WEB / "embed/words.js").read_text("utf-8"))
    assert modules
    assert re.findall(r"\w+", modules[1]) == codes


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_every_language_has_every_sentence_whole(language: Language) -> None:
    """The same catalogues, keys and places; of what is counted, every plural form; nothing empty."""
    here = catalogues(language.code)
    wrong = [f"{language.code}/{name}.json is not there" for name in ENGLISH if name not in here]
    wrong += [f"{language.code}/{name}.json: English has none" for name in here if name not in ENGLISH]
    for name in here.keys() & ENGLISH.keys():
        english, theirs = ENGLISH[name], here[name]
        wrong += [f"{language.code} {name}.{key} is missing" for key in english.keys() - theirs.keys()]
        wrong += [f"{language.code} {name}.{key}: English has none" for key in theirs.keys() - english.keys()]
        for key in english.keys() & theirs.keys():
            wrong += [
                f"{language.code} {name}.{key} {what}" for what in amiss(english[key], theirs[key], language)
            ]
    none(sorted(wrong), "Catalogues in web/words (docs/languages.md):")


def amiss(english: str | Forms, theirs: str | Forms, language: Language) -> list[str]:
    if isinstance(english, str) != isinstance(theirs, str):
        return ["is counted in one language and not in the other"]
    if isinstance(theirs, str):
        assert isinstance(english, str)
        return [*unlike(places(english), theirs, ""), *unkempt(theirs)]
    assert isinstance(english, dict)
    wrong = [f"lacks the form {form}" for form in language.plurals if form not in theirs]
    wrong += [
        f"has a form {form}, which the language has not" for form in theirs if form not in language.plurals
    ]
    wanted = set.union(*map(places, english.values())) | {"count"}
    for form, sentence in theirs.items():
        # Where a form stands for one number its word may stand for it: "One new message".
        free = (
            {"count"} if form in ("zero", "one", "two") or "count" not in places(english["other"]) else set()
        )
        wrong += [*unlike(wanted - free, sentence, f"({form}) ", wanted), *unkempt(sentence)]
    return wrong


def places(sentence: str) -> set[str]:
    return set(PLACE.findall(sentence))


def unlike(wanted: set[str], sentence: str, form: str, allowed: set[str] | None = None) -> list[str]:
    found = places(sentence)
    return [f"{form}lacks {{{place}}}" for place in sorted(wanted - found)] + [
        f"{form}has {{{place}}}, which English has not" for place in sorted(found - (allowed or wanted))
    ]


def unkempt(sentence: str) -> list[str]:
    wrong = []
    if sentence.strip() != sentence or "  " in sentence or not sentence:
        wrong.append("is empty, or has spaces too many")
    if re.search(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]", sentence):
        wrong.append("has marks of direction in it: what goes in is kept apart by say()")
    if re.search(r"<(?!peer-chat>)", sentence):
        wrong.append("has markup in it")
    return wrong


def test_a_sentence_begins_the_way_its_language_runs() -> None:
    """What is put into another sentence runs as its first letter does (UAX 9, first strong isolate): one
    that begins with a Latin word would be turned about."""
    offenders = []
    for language in LANGUAGES:
        for name, catalogue in catalogues(language.code).items() if language.dir == "rtl" else ():
            for key, sentences in catalogue.items():
                for sentence in [sentences] if isinstance(sentences, str) else sentences.values():
                    letter = re.search(r"[^\W\d_]", PLACE.sub("", sentence))
                    if letter and letter[0].isascii():
                        offenders.append(f"{language.code} {name}.{key}: {sentence}")
    none(offenders, "Let these begin with a word of their own language:")


def test_what_is_said_is_there_and_what_is_there_is_said() -> None:
    whole, begun = said()
    lost = [f"{key} in {where}" for key, where in whole.items() if key not in ALL]
    lost += [
        f"{key}... in {where}" for key, where in begun.items() if not any(one.startswith(key) for one in ALL)
    ]
    none(sorted(lost), "No catalogue has these (web/words/en):")
    none(
        sorted(key for key in ALL - whole.keys() if not key.startswith(tuple(begun))),
        "Nobody says these; take them out of every language:",
    )


def test_every_refusal_has_a_sentence() -> None:
    assert ENGLISH["refusals"].keys() == {code.value for code in ErrorCode} | CLIENTS_OWN


def test_what_the_doctor_knows_has_its_sentences() -> None:
    known = msgspec.json.decode((WEB / "doctor/findings.json").read_bytes(), type=dict[str, object])
    names = {f"{kind}_{name}" for kind in ("state", "check", "verdict") for name in listed(known[f"{kind}s"])}
    names |= {f"reason_{name.replace('-', '_')}" for name in listed(known["reasons"])}
    outcomes = {name.replace(".", "_") for name in listed(known["findings"])}
    assert ENGLISH["findings"].keys() == names | outcomes | {f"{name}_it" for name in outcomes} | {"way"}


def listed(names: object) -> list[str]:
    return msgspec.convert(list(names) if isinstance(names, dict) else names, list[str])


def test_no_sentence_is_written_anywhere_else() -> None:
    """In a script or page a sentence would be said in one language only."""
    offenders = []
    for file in sorted([*WEB.rglob("*.js"), *WEB.rglob("*.html")]):
        name = file.relative_to(WEB).as_posix()
        if name in NO_PAGE:
            continue
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            found = SENTENCE.search(line) if file.suffix == ".js" else shown(line)
            if found and not NO_SENTENCE.search(line):
                offenders.append(f"web/{name}:{number} {found[0][:80]}")
    none(offenders, "Sentences belong into web/words/en (docs/languages.md):")


def shown(line: str) -> re.Match[str] | None:
    """Text between tags, or in an attribute that is read out or shown."""
    return re.search(
        r">\s*[A-Za-z][^<>{}]*<|(?:aria-label|placeholder|title|alt)=\"(?!https://)[A-Za-z][^{\"]*\"", line
    )


SIDED = re.compile(
    r"^\s*(margin|padding|border)-(left|right)\b|^\s*(left|right):|(text-align|float): (left|right)"
    r"|-(left|right)-radius"
)
FOUR = re.compile(r"^\s*(?:margin|padding|inset): (.*);")


def test_styles_run_both_ways() -> None:
    """Left and right are turned about in Arabic; what begins and ends is not (CSS Logical Properties)."""
    offenders = [
        f"{named(file)}:{number} {line.strip()}"
        for file in sorted(WEB.rglob("*.css"))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if SIDED.search(line) or uneven(line)
    ]
    none(offenders, "Say it by beginning and end (margin-inline-start, inset-inline-end, text-align: start):")


def uneven(line: str) -> bool:
    """A shorthand of four whose right and left differ."""
    found = FOUR.match(line)
    values = re.findall(r"calc\((?:[^()]|\([^()]*\))*\)|[^\s;]+", found[1]) if found else []
    return len(values) == 4 and values[1] != values[3]
