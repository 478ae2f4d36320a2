"""The scripts of a page in one file, and its styles in another, for lines on which thirty take long.

Nothing is rewritten but how modules find each other. Each module of web/ becomes a block of the bundle, as it
is; a block keeps its names to itself, as a module does. What it exports stands in a table under its path, and
what it imports is taken from there:

    import { el } from "./dom.js";     ->    const{el}=$M["room/dom.js"];
    export function card(room) {...}   ->    function card(room) {...}   $M["lobby/card.js"]={card};

What is imported on demand is a bundle of its own, less what the page has by then. The table belongs to the
document, so no module runs twice in it; but for one that waits (`await`) while another bundle brings it along
as well, which must not mind. The form in which web/ imports and exports is the one that is known here; any
other is refused when the server starts. Pure: text in, text out.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from rjsmin import jsmin  # type: ignore[import-untyped]  # it ships no types

IMPORT: Final = re.compile(
    r'^import (?:(?P<all>\* as \w+)|(?P<names>\{[^}]*\}))? ?(?:from )?"(?P<path>\.[^"]*)";', re.MULTILINE
)
EXPORT: Final = re.compile(r'^export (?P<names>\{[^}]*\})(?: from "(?P<path>\.[^"]*)")?;', re.MULTILINE)
DECLARED: Final = re.compile(
    r"^export (?P<what>(?:async )?function\*? |class |const )(?P<name>[\w$]+)", re.MULTILINE
)
LEFT: Final = re.compile(r"^(?:import\b(?! *\()|export\b)", re.MULTILINE)
PAGE_SCRIPT: Final = re.compile(r'<script type="module" src="/static/([^"]+)">')
PAGE_STYLE: Final = re.compile(r'<link rel="stylesheet" href="/static/([^"]+)">\s*')
ELSEWHERE: Final = re.compile(r"@import|url\((?!data:|#)")
"""In a style sheet: what would be looked for in another place."""
LATER: Final = re.compile(r'\bimport\("(\.[^"]*)"\)')
"""In a script without comments, where types are imported in the same words."""
STYLES: Final = "styles.css"
HERE: Final = "import.meta.url"

TABLE: Final = 'const $M=globalThis[Symbol.for("chatd.modules")]??={};\n'
OWN_TABLE: Final = "const $M={};\n"
"""For a bundle in other people's pages, whose modules nobody else meets."""


def lean(script: str) -> str:
    """The same program without its comments and indentation."""
    return str(jsmin(script))


class Unbundled(ValueError):
    """A script is not in the form that is known here. The sentence names it and says what to write."""


class Module:
    """One script of web/, taken apart. `needs` are the paths it imports, in the order in which they run."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.needs: list[str] = []
        self.taken: list[tuple[str, str]] = []
        """What it takes by name: (path, name)."""
        self.exports: dict[str, str] = {}
        """The name outside, and what stands for it inside."""
        rest = EXPORT.sub(self._export, IMPORT.sub(self._import, DECLARED.sub(self._declare, source)))
        if found := LEFT.search(rest):
            line = rest[found.start() :].partition("\n")[0]
            raise Unbundled(f'{path}: "{line[:60]}" is no import or export as chatd/bundles.py knows them.')
        self._body = lean(rest)

    @property
    def later(self) -> Sequence[str]:
        """What it imports on demand."""
        return [_beside(self.path, path) for path in LATER.findall(self._body)]

    def block(self, bundle: str, here: Collection[str], folder: str) -> str:
        """The module inside the bundle at `bundle`. Of what is imported on demand, `here` is in it already;
        the rest lies under `folder`."""

        def later(found: re.Match[str]) -> str:
            path = _beside(self.path, found[1])
            if path in here:
                return f'Promise.resolve($M["{path}"])'
            return f'import("{_relative(folder + path, bundle)}")'

        body = LATER.sub(later, self._body)
        # What lies beside a module lies beside it still.
        body = body.replace(HERE, f'new URL("{_relative(self.path, bundle)}",{HERE}).href')
        exports = ",".join(
            out if out == inside else f"{out}:{inside}" for out, inside in sorted(self.exports.items())
        )
        return f'if(!("{self.path}"in $M)){{{body}\n$M["{self.path}"]={{{exports}}};}}\n'

    def _declare(self, found: re.Match[str]) -> str:
        self.exports[found["name"]] = found["name"]
        return found["what"] + found["name"]

    def _import(self, found: re.Match[str]) -> str:
        path = self._need(found["path"])
        if found["all"]:
            return f'const {found["all"].removeprefix("* as ")}=$M["{path}"];'
        if not found["names"]:
            return ""
        names = list(_names(found["names"]))
        self.taken += [(path, outside) for outside, _ in names]
        return f'const{{{_taken(names)}}}=$M["{path}"];'

    def _export(self, found: re.Match[str]) -> str:
        names = list(_names(found["names"]))
        if not found["path"]:
            self.exports |= {outside: inside for inside, outside in names}
            return ""
        path = self._need(found["path"])
        self.taken += [(path, name) for name, _ in names]
        self.exports |= {outside: f'$M["{path}"].{name}' for name, outside in names}
        return ""

    def _need(self, said: str) -> str:
        path = _beside(self.path, said)
        if path not in self.needs:
            self.needs.append(path)
        return path


class Bundler:
    """All texts of web/, by path; each script is taken apart once, when it is needed."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._modules: dict[str, Module] = {}
        self._later: dict[str, tuple[str, str]] = {}
        """The bundles that come on demand: the folder and the script of each."""

    def of_page(self, folder: str, entries: Sequence[str], also: Sequence[str] = ()) -> Mapping[str, str]:
        """The bundles of one page, by path under `folder`: one for each script that the page names, with the
        modules `also` in the first; and one for everything that any of them imports on demand."""
        closures = [self._order((*(also if entry == entries[0] else ()), entry)) for entry in entries]
        made = {
            folder + entry: self._text(folder + entry, order, TABLE, set(order), folder)
            for entry, order in zip(entries, closures, strict=True)
        }
        there = set.intersection(*map(set, closures))
        waiting = [path for order in closures for one in order for path in self._module(one).later]
        while waiting:
            path = waiting.pop()
            if path in there or folder + path in made:
                continue
            order = [one for one in self._order((path,)) if one not in there]
            made[folder + path] = self._on_demand(folder, path, order, there)
            self._later[folder + path] = folder, path
            waiting += [later for one in order for later in self._module(one).later]
        return made

    def for_older(self, bundle: str) -> str | None:
        """A bundle that comes on demand, for a page of another version: with everything it needs, because
        nobody knows what that page has. None where `bundle` is none of those."""
        if bundle not in self._later:
            return None
        folder, path = self._later[bundle]
        return self._on_demand(folder, path, self._order((path,)), ())

    def _on_demand(self, folder: str, path: str, order: Sequence[str], there: Collection[str]) -> str:
        text = self._text(folder + path, order, TABLE, there, folder)
        return f'{text}export const{{{",".join(self._module(path).exports)}}}=$M["{path}"];\n'

    def entries(self, name: str) -> Sequence[str]:
        """The scripts that a page was written with."""
        return PAGE_SCRIPT.findall(self._texts[name])

    def page(self, folder: str, name: str) -> tuple[str, Mapping[str, str]]:
        """A page that names bundles instead of the scripts and style sheets it was written with; and them."""
        page, entries = self._texts[name], self.entries(name)
        made = dict(self.of_page(folder, entries)) if entries else {}
        for entry in entries:
            page = page.replace(f'src="/static/{entry}"', f'src="/static/{folder}{entry}"')
        sheets = list(PAGE_STYLE.finditer(page))
        if sheets:
            made[f"{folder}{STYLES}"] = self._sheet([found[1] for found in sheets])
            joined = f'<link rel="stylesheet" href="/static/{folder}{STYLES}">\n    '
            between = PAGE_STYLE.sub("", page[sheets[0].end() : sheets[-1].start()])
            page = page[: sheets[0].start()] + joined + between + page[sheets[-1].end() :]
        return page, made

    def alone(self, bundle: str, entry: str) -> str:
        """One bundle at the path `bundle` for a page of others; what it imports on demand comes by itself."""
        return self._text(bundle, self._order((entry,)), OWN_TABLE, (), "")

    def _sheet(self, names: Sequence[str]) -> str:
        """The style sheets one after the other, which is how a browser reads them too."""
        for name in names:
            if ELSEWHERE.search(self._texts.get(name, "@import")):
                raise Unbundled(f"{name} is not there, or names a file: only whole style sheets are joined.")
        return "\n".join(self._texts[name] for name in names)

    def _text(self, bundle: str, order: Sequence[str], table: str, here: Collection[str], folder: str) -> str:
        return table + "".join(self._module(path).block(bundle, here, folder) for path in order)

    def _order(self, entries: Sequence[str]) -> list[str]:
        """What the entries need, each after what it needs itself (ECMA-262, "InnerModuleEvaluation")."""
        done: list[str] = []

        def visit(path: str, above: tuple[str, ...]) -> None:
            if path in above:
                raise Unbundled(f"{path} imports itself by way of {above[-1]}: no bundle can have that.")
            if path in done:
                return
            for needed in self._module(path).needs:
                visit(needed, (*above, path))
            done.append(path)

        for entry in entries:
            visit(entry, ())
        for path in done:
            for source, name in self._module(path).taken:
                if name not in self._module(source).exports:
                    raise Unbundled(f"{path} imports {name}, which {source} does not export.")
        return done

    def _module(self, path: str) -> Module:
        if path not in self._modules:
            if path not in self._texts:
                raise Unbundled(f"There is no {path}, which another script imports.")
            self._modules[path] = Module(path, self._texts[path])
        return self._modules[path]


def _names(braces: str) -> Iterator[tuple[str, str]]:
    """Of `{ a, b as c }` the pairs (a, a) and (b, c)."""
    for part in braces.strip("{}").split(","):
        first, _, second = part.strip().partition(" as ")
        if first:
            yield first, second or first


def _taken(names: Sequence[tuple[str, str]]) -> str:
    return ",".join(out if out == inside else f"{out}:{inside}" for out, inside in names)


def _beside(path: str, said: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), said))


def _relative(path: str, bundle: str) -> str:
    """How the bundle names a path of web/."""
    relative = posixpath.relpath(path, posixpath.dirname(bundle) or ".")
    return relative if relative.startswith(".") else f"./{relative}"
