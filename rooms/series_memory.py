"""The series in this process's memory: for tests, and for trying out. Touches nothing outside itself."""

from collections.abc import Sequence

from rooms.series import (
    MAX_SERIES,
    NoSuchSeries,
    Series,
    SeriesExists,
    SeriesMovedOn,
    TooManySeries,
)


class MemorySeries:
    """A `SeriesStore`."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}

    async def add(self, series: Series) -> None:
        if series.name in self._series:
            raise SeriesExists("There is a series with this name already.")
        if len(self._series) >= MAX_SERIES:
            raise TooManySeries(f"There are {MAX_SERIES} series already.")
        self._series[series.name] = series

    async def change(self, series: Series) -> None:
        kept = self._series.get(series.name)
        if kept is None:
            raise NoSuchSeries("There is no series with this name.")
        if kept.revision != series.revision - 1:
            raise SeriesMovedOn("Somebody else has changed this series meanwhile.")
        self._series[series.name] = series

    async def remove(self, name: str) -> None:
        if self._series.pop(name, None) is None:
            raise NoSuchSeries("There is no series with this name.")

    async def get(self, name: str) -> Series | None:
        return self._series.get(name)

    async def list(self) -> Sequence[Series]:
        return sorted(self._series.values(), key=lambda series: series.name)

    async def close(self) -> None: ...
