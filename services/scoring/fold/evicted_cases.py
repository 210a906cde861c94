"""Which cases have left memory, and in which page each of them lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.scoring.fold.batch import IntArray, encoded, joined
from services.scoring.fold.hashes import HashArray, text_hashes
from services.scoring.fold.sequences import spread

PAGE_CASES = 1_024
SPARSE_BELOW = PAGE_CASES // 2
"""A page with fewer cases left is reloaded whole, so that pages do not take more room than their cases."""
RELOADED = -1

PageNumbers = NDArray[np.int32]
Wanted = dict[int, HashArray]
"""Hashes of cases, by the page that they lie in."""


@dataclass(frozen=True)
class CasePage:
    """Cases that left memory. hashes: of their ids, sorted."""

    number: int
    hashes: HashArray
    content: bytes


@dataclass(frozen=True)
class EvictionChange:
    """What became of pages since the last snapshot: new ones, what is left of others, those that nothing is left of."""

    added: Sequence[CasePage]
    thinned: Mapping[int, HashArray]
    emptied: Sequence[int]


def case_hashes(case_ids: Sequence[str]) -> HashArray:
    return text_hashes(pa.array(case_ids, type=pa.large_utf8()))


class EvictedCases:
    """Twelve bytes a case: the hash of its id, sorted, and the number of its page.

    Two ids may share a hash. Both then come back together, which costs a little and changes nothing.
    """

    def __init__(self, pages: Iterable[tuple[int, HashArray]] = ()) -> None:
        self.hashes: HashArray = np.zeros(0, dtype=np.uint64)
        self.pages: PageNumbers = np.zeros(0, dtype=np.int32)
        self.next_number = 0
        self.left: dict[int, int] = {}
        self._added: list[CasePage] = []
        self._changed: set[int] = set()
        self._take_in(list(pages))

    def __len__(self) -> int:
        return sum(self.left.values())

    def add(self, pages: Sequence[CasePage]) -> None:
        self._added += pages
        self._take_in([(page.number, page.hashes) for page in pages])

    def _take_in(self, pages: Sequence[tuple[int, HashArray]]) -> None:
        if not pages:
            return
        here = self.pages != RELOADED
        hashes = np.concatenate([self.hashes[here], *(hashes for _, hashes in pages)])
        numbers = [np.full(len(hashes), number, dtype=np.int32) for number, hashes in pages]
        order = np.argsort(hashes, kind="stable")
        self.hashes, self.pages = hashes[order], np.concatenate([self.pages[here], *numbers])[order]
        self.left |= {number: len(hashes) for number, hashes in pages}
        self.next_number = max(self.next_number, 1 + max(number for number, _ in pages))

    def named_in(self, tables: Sequence[pa.Table]) -> Wanted:
        """The cases that these events name and that have to come back before they are folded."""
        chunks = [chunk for table in tables for chunk in table.column("case_id").chunks if len(chunk)]
        if not chunks or not self.left:
            return {}
        _, names = encoded(joined(chunks))
        hashes = np.unique(text_hashes(names))
        places = self._places(hashes)
        pages, hashes = self.pages[places], self.hashes[places]
        return {int(page): hashes[pages == page] for page in np.unique(pages) if page != RELOADED}

    def sparse(self, pages_max: int) -> Wanted:
        """Pages that are hardly worth keeping, with everything that is left of them."""
        numbers = [number for number, left in self.left.items() if left < SPARSE_BELOW][:pages_max]
        return {number: self.hashes[self.pages == number] for number in numbers}

    def _places(self, hashes: HashArray) -> IntArray:
        first = np.searchsorted(self.hashes, hashes, side="left")
        return spread(first, np.searchsorted(self.hashes, hashes, side="right") - first)

    def reloaded(self, wanted: Wanted) -> None:
        """These cases are in memory again."""
        for number, hashes in wanted.items():
            places = self._places(np.unique(hashes))
            here = places[self.pages[places] == number]
            self.pages[here] = RELOADED
            self.left[number] -= len(here)
            if not self.left[number]:
                del self.left[number]
            self._changed.add(number)

    def change(self) -> EvictionChange:
        """Since the last call."""
        new = {page.number for page in self._added}
        thinned = {number: self.hashes[self.pages == number] for number in self._changed - new if number in self.left}
        emptied = sorted(number for number in self._changed if number not in self.left)
        change = EvictionChange(self._added, thinned, emptied)
        self._added, self._changed = [], set()
        return change
