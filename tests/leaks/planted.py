"""The leaks of planted.toml: who adds one adds it there."""

import tomllib
from pathlib import Path
from typing import Final

import msgspec

from tests.leaks.trees import Tree


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    old: str
    new: str


class Plant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    seen: str
    change: tuple[Change, ...]

    def into(self, tree: Tree) -> None:
        for each in self.change:
            tree.change(each.file, each.old, each.new)


PLANTED: Final = tuple(
    msgspec.convert(plant, Plant)
    for plant in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["plant"]
)
