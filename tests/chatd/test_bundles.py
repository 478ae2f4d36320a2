"""Many scripts in one file: what they say to each other stays as it was; what cannot be told is refused."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from chatd.bundles import Bundler, Unbundled

LIMIT_S = 120
PAGE = """<!doctype html>
<link rel="stylesheet" href="/static/a.css">
<link rel="stylesheet" href="/static/b.css">
<meta name="between">
<link rel="stylesheet" href="/static/c.css">
<script type="module" src="/static/page/app.js"></script>
"""
SITE = {
    "page/app.js": """
        /** @typedef {import("./later.js").Kind} Kind */
        import { one, two as zwei } from "./parts/numbers.js";
        import * as numbers from "./parts/numbers.js";
        import "./parts/first.js";
        const own = "app";
        said.push(own, one, zwei(), Object.keys(numbers).join());
        const { later } = await import("./later.js");
        const { near } = await import("./parts/near.js");
        said.push(later(), near, new URL("x.json", import.meta.url).pathname);
    """,
    "page/parts/first.js": 'said.push("first");',
    "page/parts/numbers.js": """
        import { own } from "../shared.js";
        export const one = 1;
        export function two() { return `2 ${own}`; }
        export class Three {}
        export { own as theirs } from "../shared.js";
    """,
    "page/shared.js": 'said.push("shared");\nconst mine = "shared";\nexport { mine as own };',
    "page/parts/near.js": 'export const near = new URL("y.json", import.meta.url).pathname;',
    "page/later.js": """
        import { own } from "./shared.js";
        import { deep } from "./parts/deep.js";
        export async function* others() {}
        export const later = () => `later ${own} ${deep}`;
    """,
    "page/parts/deep.js": 'said.push("deep");\nexport const deep = "deep";',
    "page.html": PAGE,
    "a.css": "a{}",
    "b.css": "b{background:url(data:image/png,x)}",
    "c.css": "c{}",
}
"""A page with everything that scripts of ours may do to each other."""


def unindented(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: re.sub(r"^ +", "", text, flags=re.MULTILINE) for name, text in texts.items()}


def said(folder: Path, entry: str) -> object:
    """What the script says when it runs, in an order that its imports decide."""
    script = (
        "globalThis.said = []; console.error = console.log;"
        f"await import({json.dumps((folder / entry).as_uri())}); process.stdout.write(JSON.stringify(said));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.replace(folder.as_uri().removeprefix("file://"), ""))


def written(folder: Path, texts: Mapping[str, str]) -> Path:
    (folder / "package.json").write_text('{"type": "module"}')
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_bundle_does_what_its_scripts_did(tmp_path: Path) -> None:
    site = unindented(SITE)
    (tmp_path / "by_itself").mkdir()
    (tmp_path / "bundled").mkdir()
    by_itself = said(written(tmp_path / "by_itself", site), "page/app.js")
    assert by_itself == [
        *("shared", "first", "app", 1, "2 shared", "Three,one,theirs,two"),
        *("deep", "later shared deep", "/page/parts/y.json", "/page/x.json"),
    ]
    for also in ((), ("page/later.js",), ("page/parts/near.js", "page/later.js")):
        made = Bundler(site).of_page("in/page/", ["page/app.js"], also)
        assert (f"in/page/{also[-1]}" in made) is False if also else len(made) == 3
        bundled = said(written(tmp_path / "bundled", made), "in/page/page/app.js")
        if also:
            assert isinstance(bundled, list)
            assert sorted(map(str, bundled)) == sorted(map(str, by_itself)), also
        else:
            assert bundled == by_itself


def test_what_comes_later_brings_only_what_is_not_there() -> None:
    made = Bundler(unindented(SITE)).of_page("in/page/", ["page/app.js"])
    assert sorted(made) == ["in/page/page/app.js", "in/page/page/later.js", "in/page/page/parts/near.js"]
    assert made["in/page/page/later.js"].count("if(!(") == 2
    assert '"page/shared.js"in' not in made["in/page/page/later.js"]
    alone = Bundler(unindented(SITE)).alone("embed.js", "page/app.js")
    assert 'import("./page/later.js")' in alone
    assert "globalThis" not in alone


def test_a_page_that_was_there_before_an_update_gets_all_that_is_needed(tmp_path: Path) -> None:
    """What it has counts, whatever version; what it lacks comes along."""
    bundler = Bundler(unindented(SITE))
    made = bundler.of_page("in/page/", ["page/app.js"])
    before = 'const { later } = await import("./later.js");\nsaid.push(later());'
    older = Bundler(unindented(SITE) | {"page/app.js": before}).of_page("in/page/", ["page/app.js"])
    later = "in/page/page/later.js"
    with pytest.raises(AssertionError, match="undefined"):
        said(written(tmp_path, {**older, later: made[later]}), "in/page/page/app.js")
    whole = bundler.for_older(later)
    assert whole is not None
    heard = said(written(tmp_path, {**older, later: whole}), "in/page/page/app.js")
    assert heard == ["shared", "deep", "later shared deep"]
    assert bundler.for_older("in/page/page/app.js") is None


def test_a_page_names_one_script_and_one_sheet() -> None:
    page, made = Bundler(unindented(SITE)).page("in/page/", "page.html")
    assert re.findall(r'(?:href|src)="([^"]+)"', page) == [
        "/static/in/page/styles.css",
        "/static/in/page/page/app.js",
    ]
    assert '<meta name="between">' in page
    assert made["in/page/styles.css"] == "\n".join(SITE[f"{one}.css"] for one in "abc")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("page/shared.js", 'export default "x";', "is no import or export as"),
        ("page/shared.js", "export let own = 1;", "is no import or export as"),
        ("page/shared.js", 'export * from "./parts/deep.js";', "is no import or export as"),
        ("page/shared.js", "import { x } from 'elsewhere';", "is no import or export as"),
        ("page/shared.js", "const own = 1;", "imports own, which page/shared.js does not export"),
        ("page/shared.js", 'import "./parts/numbers.js";\nexport const own = 1;', "imports itself"),
        ("page/parts/first.js", 'import "./gone.js";', "There is no page/parts/gone.js"),
        ("b.css", '@import "d.css";', "b.css is not there, or names a file"),
        ("b.css", "b{background:url(d.png)}", "b.css is not there, or names a file"),
    ],
)
def test_what_is_not_known_is_refused_at_the_start(name: str, text: str, sentence: str) -> None:
    with pytest.raises(Unbundled, match=re.escape(sentence)):
        Bundler(unindented(SITE) | {name: text}).page("in/page/", "page.html")
