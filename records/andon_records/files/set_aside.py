"""Records of a file that become no events, and what to write where they are meant to be none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from andon_records.mapping.conversion import omitted_rows
from andon_records.mapping.document import ROW
from andon_records.messages import Message

EXAMPLES_MAX = 20


@dataclass(frozen=True)
class SetAside:
    """Records that become no events: unreadable ones, the first of them by number with why, and omitted ones."""

    unreadable: int = 0
    examples: Sequence[tuple[int, Message]] = ()
    omitted: int = 0

    @property
    def records(self) -> int:
        return self.unreadable + self.omitted


NOTHING_SET_ASIDE = SetAside()


class SetAsideRecords:
    """The numbers of records that become no events, until a batch answers for them. rules: `omit_rows` of a mapping."""

    def __init__(self, rules: Mapping[str, Sequence[str]]) -> None:
        self._rules = rules
        self._omitted: list[int] = []
        self._unreadable: list[int] = []
        self._examples: list[tuple[int, Message]] = []
        self._explained = 0

    def add(self, number: int, cells: Mapping[str, str]) -> bool:
        """A record that cannot be read; of those that shall be none it is omitted. True: it needs an explanation."""
        known = {ROW: str(number), **cells}
        if any(known.get(name) in values for name, values in self._rules.items()):
            self._omitted.append(number)
            return False
        self._unreadable.append(number)
        return self._explained < EXAMPLES_MAX

    def explain(self, number: int, what: Message) -> None:
        self._explained += 1
        self._examples.append((number, what))

    def omit(self, numbers: Sequence[int]) -> None:
        self._omitted += numbers

    def less_omitted(
        self, table: pa.RecordBatch, numbers: NDArray[np.int64]
    ) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        """The records that shall be events, if there are any."""
        omitted = omitted_rows(self._rules, table, numbers)
        if omitted.any():
            self._omitted += numbers[omitted].tolist()
            table, numbers = table.filter(pa.array(~omitted)), numbers[~omitted]
        if len(numbers):
            yield table, numbers

    def through(self, number: int) -> SetAside:
        """What was set aside up to this record, and not given yet."""
        unreadable, self._unreadable = _split(self._unreadable, number)
        omitted, self._omitted = _split(self._omitted, number)
        examples = [one for one in self._examples if one[0] <= number]
        self._examples = [one for one in self._examples if one[0] > number]
        return SetAside(len(unreadable), examples, len(omitted))


def _split(numbers: list[int], through: int) -> tuple[list[int], list[int]]:
    known = int(np.searchsorted(np.array(numbers, np.int64), through, side="right"))
    return numbers[:known], numbers[known:]
