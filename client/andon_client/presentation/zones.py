"""The zones in which times are read and shown: each that of the indicator system that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from andon_client.presentation.phrases import say


@dataclass(frozen=True)
class Zones:
    """`by_system`: "process/system" -> its zone."""

    by_system: Mapping[str, tzinfo] = field(default_factory=dict)

    def of(self, key: str) -> tzinfo:
        """Of a series by its key, or of "process/system"; UTC where nothing is known of it."""
        return self.by_system.get(system_of(key), UTC)

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
