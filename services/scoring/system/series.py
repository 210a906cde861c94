"""The key of a series: how it is made, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NewType

from services.scoring.system.model import IndicatorSystem, Window

SeriesKey = NewType("SeriesKey", str)

ESCAPES = str.maketrans({"%": "%25", ",": "%2C", "=": "%3D", "{": "%7B", "}": "%7D"})
UNESCAPES = (("%7D", "}"), ("%7B", "{"), ("%3D", "="), ("%2C", ","), ("%25", "%"))


def series_key(
    system: IndicatorSystem, indicator: str, window: Window, slice_values: tuple[tuple[str, str], ...] = ()
) -> SeriesKey:
    """ "process/system/indicator@week{dimension=value,...}", dimensions in the order given; the whole has no braces.

    The five characters % , = { } of a value are written as %25 %2C %3D %7B %7D.
    """
    whole = f"{system.process}/{system.system}/{indicator}@{window.value}"
    if not slice_values:
        return SeriesKey(whole)
    pairs = ",".join(f"{dimension}={value.translate(ESCAPES)}" for dimension, value in slice_values)
    return SeriesKey(f"{whole}{{{pairs}}}")


@dataclass(frozen=True, slots=True)
class SeriesName:
    """What a key of a series says."""

    process: str
    system: str
    indicator: str
    window: Window
    whole: bool
    dimensions: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The name of the indicator system that it belongs to: "processes/it-desk/indicatorSystems/main"."""
        return f"processes/{self.process}/indicatorSystems/{self.system}"


@dataclass(frozen=True)
class SeriesFilter:
    """Which series are asked for; what is empty passes everything. A window None: a kind that no series has."""

    process: str = ""
    system: str = ""
    indicators: frozenset[str] = frozenset()
    windows: frozenset[Window | None] = frozenset()
    series: frozenset[str] = frozenset()
    unsliced_only: bool = False

    def passes(self, key: str) -> bool:
        name = series_name(SeriesKey(key))
        return (
            (not self.process or self.process == name.process)
            and (not self.system or self.system == name.system)
            and (not self.indicators or name.indicator in self.indicators)
            and (not self.windows or name.window in self.windows)
            and (not self.series or key in self.series)
            and (not self.unsliced_only or name.whole)
        )


@lru_cache(maxsize=200_000)
def series_name(series: SeriesKey) -> SeriesName:
    """The parts of "process/system/indicator@window{...}"; a slice's values stay in the key."""
    whole, brace, rest = series.partition("{")
    # A comma of a value is escaped.
    dimensions = tuple(pair.partition("=")[0] for pair in rest.split(",")) if brace else ()
    path, _, window = whole.rpartition("@")
    process, system, indicator = path.split("/")
    return SeriesName(process, system, indicator, Window(window), not brace, dimensions)


def scopes_of(key: SeriesKey) -> tuple[str, ...]:
    """What a series lies in: its process, system, indicator, window width, and itself.

    >>> scopes_of(SeriesKey("desk/main/wait@day{team=A}"))
    ('desk', 'desk/main', 'desk/main/wait', 'desk/main/wait@day', 'desk/main/wait@day{team=A}')
    """
    whole = key.partition("{")[0]
    indicator = whole.rpartition("@")[0]
    process, system, _ = indicator.split("/")
    return tuple(dict.fromkeys((process, f"{process}/{system}", indicator, whole, key)))


def slice_of(series: SeriesKey) -> dict[str, str]:
    """Dimension -> value of a key such as "...@week{priority=2 - High}"."""
    _, brace, rest = series.partition("{")
    if not brace:
        return {}
    pairs = (pair.partition("=") for pair in rest.removesuffix("}").split(","))
    values = {}
    for dimension, _, value in pairs:
        for escape, character in UNESCAPES:
            value = value.replace(escape, character)
        values[dimension] = value
    return values
