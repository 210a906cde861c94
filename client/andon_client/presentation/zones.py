"""The zones in which times are read and shown, and the units of values: of the indicator system they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from andon_client.presentation.formats import measured
from andon_client.presentation.phrases import say


@dataclass(frozen=True)
class Zones:
    """by_system: "process/system" -> its zone.

    units: "process/system/indicator" -> its unit, and whether it is a share, which people read in per cent.
    """

    by_system: Mapping[str, tzinfo] = field(default_factory=dict)
    units: Mapping[str, tuple[str, bool]] = field(default_factory=dict)

    def of(self, key: str) -> tzinfo:
        """Of a series by its key, or of "process/system"; UTC where nothing is known of it."""
        return self.by_system.get(system_of(key), UTC)

    def value(self, series: str, value: float | None, locale: str) -> str:
        """As people read it: "1.75 h", "29.27 %"; a bare number where nothing is known of the indicator."""
        unit, is_share = self.units.get(series.partition("@")[0], ("", False))
        return measured(value, unit, is_share, locale)

    @property
    def only(self) -> tzinfo:
        """The zone of all systems where they share one; else UTC."""
        found = {str(zone): zone for zone in self.by_system.values()}
        return next(iter(found.values())) if len(found) == 1 else UTC

    def caption(self, keys: Iterable[str], locale: str) -> str:
        """In which zones the times of these are: "times in Europe/Berlin"."""
        zones = dict.fromkeys(str(self.of(key)) for key in keys)
        return say("times_in", locale, zones=", ".join(zones)) if zones else ""


def system_of(key: str) -> str:
    """ "desk/main/rework@day{team=B}" -> "desk/main"."""
    return "/".join(key.partition("{")[0].split("/")[:2])
