"""How the times and values of an indicator system are written: by its zone, and in the units of its indicators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from andon_client.presentation.formats import changed, measured
from andon_client.presentation.phrases import say


@dataclass(frozen=True)
class Notation:
    """zones: "process/system" -> its zone.

    units: "process/system/indicator" -> its unit, and whether it is a share, which people read in per cent.
    """

    zones: Mapping[str, tzinfo] = field(default_factory=dict)
    units: Mapping[str, tuple[str, bool]] = field(default_factory=dict)

    def zone(self, key: str) -> tzinfo:
        """Of a series by its key, or of "process/system"; UTC where nothing is known of it."""
        return self.zones.get(system_of(key), UTC)

    def value(self, series: str, value: float | None, locale: str) -> str:
        """As people read it: "1.75 h", "29.27 %"; a bare number where nothing is known of the indicator."""
        return measured(value, *self._unit(series), locale)

    def change(self, series: str, change: float, locale: str) -> str:
        """A difference of two values: "-1.75 h", "-29.27 percentage points"."""
        return changed(change, *self._unit(series), locale)

    def _unit(self, series: str) -> tuple[str, bool]:
        return self.units.get(series.partition("@")[0], ("", False))

    def scale(self, series: str) -> tuple[float, str]:
        """What values are multiplied by on an axis, and the unit there: (100.0, "%") of a share."""
        unit, is_share = self._unit(series)
        return (100.0, "%") if is_share else (1.0, unit)

    @property
    def only_zone(self) -> tzinfo:
        """The zone of all systems where they share one; else UTC."""
        found = {str(zone): zone for zone in self.zones.values()}
        return next(iter(found.values())) if len(found) == 1 else UTC

    def caption(self, keys: Iterable[str], locale: str) -> str:
        """In which zones the times of these are: "times in Europe/Berlin"."""
        found = dict.fromkeys(str(self.zone(key)) for key in keys)
        return say("times_in", locale, zones=", ".join(found)) if found else ""


def system_of(key: str) -> str:
    """ "desk/main/rework@day{team=B}" -> "desk/main"."""
    return "/".join(key.partition("{")[0].split("/")[:2])
