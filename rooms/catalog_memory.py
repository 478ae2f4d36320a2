"""The catalog in this process's memory: for tests, and for trying out. Touches nothing outside itself."""

from collections.abc import Sequence

from rooms.catalog import NoSuchRoom, RoomExists, RoomSpec


class MemoryCatalog:
    """A `Catalog`."""

    def __init__(self) -> None:
        self._specs: dict[str, RoomSpec] = {}

    async def add(self, spec: RoomSpec) -> None:
        if spec.name in self._specs:
            raise RoomExists("There is a room with this name already.")
        self._specs[spec.name] = spec

    async def change(self, spec: RoomSpec) -> None:
        if spec.name not in self._specs:
            raise NoSuchRoom("There is no room with this name.")
        self._specs[spec.name] = spec

    async def get(self, name: str) -> RoomSpec | None:
        return self._specs.get(name)

    async def list(self) -> Sequence[RoomSpec]:
        return sorted(self._specs.values(), key=lambda spec: spec.name)

    async def close(self) -> None: ...
