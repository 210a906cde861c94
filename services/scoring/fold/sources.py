"""Where the values of a picked column come from: one integer per event, whatever the type of the attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa

from services.scoring.fold.batch import MISSING, EventBatch, IntArray
from services.scoring.fold.hashes import text_hashes
from services.scoring.system.case_model import AttributeValue


class Source(Protocol):
    """Values of a batch, MISSING where there is none."""

    def values(self, batch: EventBatch) -> IntArray: ...

    def rank(self, values: IntArray) -> IntArray:
        """What orders values that share event time and tie; must not depend on the order of arrival."""


@dataclass(frozen=True)
class TimeSource:
    attribute: str

    def values(self, batch: EventBatch) -> IntArray:
        return batch.times(f"attributes.{self.attribute}")

    def rank(self, values: IntArray) -> IntArray:
        return values


@dataclass(frozen=True)
class NumberSource:
    attribute: str
    resolution: float

    def values(self, batch: EventBatch) -> IntArray:
        return batch.multiples(f"attributes.{self.attribute}", self.resolution)

    def rank(self, values: IntArray) -> IntArray:
        return values


@dataclass(frozen=True)
class MatchSource:
    """1 where the attribute equals one of these values, else 0."""

    attribute: str
    equals: tuple[AttributeValue, ...]

    def values(self, batch: EventBatch) -> IntArray:
        return batch.matches(f"attributes.{self.attribute}", self.equals)

    def rank(self, values: IntArray) -> IntArray:
        return values


@dataclass
class Labels:
    """The texts of a column, numbered as they are met; texts in `unknown` count as absent."""

    unknown: frozenset[str] = frozenset()
    names: list[str] = field(default_factory=list)
    code_by_name: dict[str, int] = field(default_factory=dict)
    _hashes: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def codes(self, names: list[str]) -> IntArray:
        """The number of each name, MISSING where it is unknown; one more at the end, for the code -1."""
        for name in names:
            if name not in self.unknown and name not in self.code_by_name:
                self.code_by_name[name] = len(self.names)
                self.names.append(name)
        return np.array([*(self.code_by_name.get(name, MISSING) for name in names), MISSING], dtype=np.int64)

    def column(self, codes: IntArray) -> pa.DictionaryArray:
        """These codes as texts; only texts that occur are in its dictionary."""
        used, places = np.unique(codes, return_inverse=True)
        known = used != MISSING
        # What is unknown is the least of all codes, so that the others follow it.
        indices = places.astype(np.int32) - np.int32(len(used) - known.sum())
        names = [self.names[code] for code in used[known].tolist()]
        return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), pa.array(names, type=pa.utf8()))

    def rank(self, codes: IntArray) -> IntArray:
        if len(self._hashes) < len(self.names):
            self._hashes = text_hashes(pa.array(self.names, type=pa.utf8())).view(np.int64)
        return np.append(self._hashes, MISSING)[np.where(codes == MISSING, -1, codes)]


@dataclass(frozen=True)
class LabelSource:
    column: str
    labels: Labels

    def values(self, batch: EventBatch) -> IntArray:
        codes, names = batch.texts(self.column)
        return self.labels.codes(names)[codes]

    def rank(self, values: IntArray) -> IntArray:
        return self.labels.rank(values)


@dataclass(frozen=True)
class ActivityClasses:
    """FIRST where the activity of an event is one of `first`, plus SECOND where it is one of `second`; empty: any."""

    FIRST: ClassVar[int] = 1
    SECOND: ClassVar[int] = 2

    first: tuple[str, ...]
    second: tuple[str, ...]

    def values(self, batch: EventBatch) -> IntArray:
        codes, names = batch.activities
        classes = [
            self.FIRST * (not self.first or name in self.first) + self.SECOND * (not self.second or name in self.second)
            for name in names
        ]
        return np.array(classes, dtype=np.int64)[codes]

    def rank(self, values: IntArray) -> IntArray:
        return values


@dataclass(frozen=True)
class ChoiceSource:
    """The number of the choice that a text belongs to, from 1; 0: none of them."""

    column: str
    choices: tuple[tuple[str, ...], ...]

    def values(self, batch: EventBatch) -> IntArray:
        codes, names = batch.texts(self.column)
        number = {value: place for place, values in enumerate(self.choices, start=1) for value in values}
        return np.array([*(number.get(name, 0) for name in names), MISSING], dtype=np.int64)[codes]

    def rank(self, values: IntArray) -> IntArray:
        return values


@dataclass(frozen=True)
class StateSource:
    """PAUSED where an event says one of these states, GOING where it ends them. column empty: the activity says it."""

    GOING: ClassVar[int] = 0
    PAUSED: ClassVar[int] = 1

    column: str
    states: tuple[str, ...]
    until: tuple[str, ...]

    def values(self, batch: EventBatch) -> IntArray:
        codes, names = batch.texts(self.column) if self.column else batch.activities
        return np.array([*(self._of(name) for name in names), MISSING], dtype=np.int64)[codes]

    def _of(self, state: str) -> int:
        if state in self.states:
            return self.PAUSED
        return self.GOING if not self.until or state in self.until else MISSING

    def rank(self, values: IntArray) -> IntArray:
        return values
