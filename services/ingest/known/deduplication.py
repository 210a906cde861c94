"""Which events are new: a hash hit is a suspicion, the ids decide, and the payload tells a repeat from a conflict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.ingest.columns import logical
from services.ingest.hashes import Hashes
from services.ingest.known.index import Rows
from services.ingest.log.segments import decoded

Mask = NDArray[np.bool_]

_NOT_PAYLOAD = frozenset({"id", "source", "traceparent"})


class StoredEvents:
    """One segment: the hashes of its events in ascending order and the row of each; the events when asked for."""

    def __init__(self, stream: bytes, hashes: Hashes) -> None:
        self._stream = stream
        self._unsorted = hashes

    @cached_property
    def page(self) -> pa.RecordBatch:
        return decoded(self._stream)

    @cached_property
    def _order(self) -> tuple[Rows, Hashes]:
        rows = np.argsort(self._unsorted)
        return rows, self._unsorted[rows]

    @property
    def size(self) -> int:
        """Bytes in memory, with the events decoded (they take three to four times their compressed size)."""
        return 5 * len(self._stream) + 3 * self._unsorted.nbytes

    def rows_with(self, hashes: Hashes, asked: Rows) -> tuple[Rows, Rows]:
        """Pairs (asked, row) with equal hashes."""
        rows, ordered = self._order
        first = np.searchsorted(ordered, hashes, "left")
        count = np.searchsorted(ordered, hashes, "right") - first
        within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(asked, count), rows[np.repeat(first, count) + within]


@dataclass(frozen=True)
class Suspects:
    """Pairs of a row and the position of a commit that may hold its event.

    `recent`: the commit is within the horizon of the event's source, so that its id may not come with another payload.
    `old`: the rows whose event may have been committed before what memory holds, which only the archive knows.
    """

    rows: Rows
    positions: Rows
    recent: Mask
    old: Rows

    def with_archived(self, rows: Rows, positions: Rows) -> "Suspects":
        """With what the archive said of the old rows."""
        return Suspects(
            np.concatenate([self.rows, rows]),
            np.concatenate([self.positions, positions]),
            np.concatenate([self.recent, np.zeros(len(rows), dtype=np.bool_)]),
            self.old,
        )


class Novelty(IntEnum):
    NEW = 0
    DUPLICATE = 1
    CONFLICT = 2


def same_values(left: pa.Array, right: pa.Array) -> Mask:
    """Row by row; two nulls are the same, a number is the same in every type, and otherwise types must agree."""
    kinds = {logical(left.type), logical(right.type)}
    if len(kinds) > 1 and kinds != {pa.int64(), pa.float64()}:
        return _both_null(left, right)
    kind = pa.float64() if len(kinds) > 1 else kinds.pop()
    left, right = (side if side.type == kind else side.cast(kind) for side in (left, right))
    equal: Mask = np.asarray(pc.equal(left, right).fill_null(False))
    if left.null_count and right.null_count:
        equal = equal | _both_null(left, right)
    return equal


def _both_null(left: pa.Array, right: pa.Array) -> Mask:
    mask: Mask = np.asarray(left.is_null()) & np.asarray(right.is_null())
    return mask


def same_events(left: pa.RecordBatch, right: pa.RecordBatch) -> Mask:
    """Row by row: source and id."""
    return same_values(left.column("id"), right.column("id")) & same_values(
        left.column("source"), right.column("source")
    )


def same_payloads(left: pa.RecordBatch, right: pa.RecordBatch) -> Mask:
    """Row by row: all that was said of the event; the trace of the call that said it is not part of it."""
    same = np.ones(left.num_rows, dtype=np.bool_)
    for name in {*left.schema.names, *right.schema.names} - _NOT_PAYLOAD:
        same &= _same_field(_filled_columns(left, name), _filled_columns(right, name), left.num_rows)
    return same


def _filled_columns(page: pa.RecordBatch, name: str) -> list[pa.Array]:
    columns = [page.column(place) for place, other in enumerate(page.schema.names) if other == name]
    return [column for column in columns if column.null_count < len(column)]


def _same_field(left: list[pa.Array], right: list[pa.Array], rows: int) -> Mask:
    """A name may have a column for each type, of which one at most holds a row's value."""
    if len(left) == 1 and len(right) == 1:
        return same_values(left[0], right[0])
    same = ~(_any_valid(left, rows) | _any_valid(right, rows))
    for one in left:
        for other in right:
            same |= same_values(one, other) & np.asarray(one.is_valid())
    return same


def _any_valid(columns: list[pa.Array], rows: int) -> Mask:
    valid = np.zeros(rows, dtype=np.bool_)
    for column in columns:
        valid |= np.asarray(column.is_valid())
    return valid


def judge_against_stored(
    page: pa.RecordBatch,
    hashes: Hashes,
    suspects: Suspects,
    stored: Mapping[int, Sequence[StoredEvents]],
) -> NDArray[np.int8]:
    """The outcome of each row of the page, given what the commits hold that its suspects name.

    The same event is a duplicate however old it is. The same id with another payload is a conflict within the horizon,
    and behind it if the time is the same; with another time it is a new event.
    """
    outcome = np.zeros(page.num_rows, dtype=np.int8)
    if len(suspects.rows) == 0:
        return outcome
    order = np.argsort(suspects.positions, kind="stable")
    positions, begins = np.unique(suspects.positions[order], return_index=True)
    recent = np.zeros(page.num_rows, dtype=np.bool_)
    for position, pairs in zip(positions.tolist(), np.split(order, begins[1:]), strict=True):
        asked = np.unique(suspects.rows[pairs])
        recent[asked] = False
        recent[suspects.rows[pairs[suspects.recent[pairs]]]] = True
        for events in stored[position]:
            mine_rows, found = events.rows_with(hashes[asked], asked)
            if len(found):
                theirs = events.page.take(pa.array(found))
                _judge_pairs(page, mine_rows, theirs, recent[mine_rows], outcome)
    return outcome


def _judge_pairs(
    page: pa.RecordBatch, rows: Rows, theirs: pa.RecordBatch, recent: Mask, outcome: NDArray[np.int8]
) -> None:
    mine = page.take(pa.array(rows))
    known = same_events(mine, theirs)
    known &= recent | same_values(mine.column("time"), theirs.column("time"))
    same = known & same_payloads(mine, theirs)
    # Of several stored events with one id, one that is the same decides.
    conflicting = rows[known & ~same]
    outcome[conflicting] = np.where(outcome[conflicting] == Novelty.DUPLICATE, Novelty.DUPLICATE, Novelty.CONFLICT)
    outcome[rows[same]] = Novelty.DUPLICATE


def judge_within_page(page: pa.RecordBatch, hashes: Hashes, outcome: NDArray[np.int8]) -> NDArray[np.int8]:
    """Adds the outcome of events that occur twice in the page itself: the first is new, the later ones repeat it."""
    new = np.flatnonzero(outcome == Novelty.NEW)
    suspects = new[_repeated(hashes[new])]
    if len(suspects) == 0:
        return outcome
    mine = page.take(pa.array(suspects))
    identity = pc.binary_join_element_wise(mine.column("source").cast(pa.string()), mine.column("id"), "\n")
    codes = identity.dictionary_encode().indices.to_numpy()
    _, first, code = np.unique(codes, return_index=True, return_inverse=True)
    later = np.flatnonzero(first[code] != np.arange(len(suspects)))
    if len(later) == 0:
        return outcome
    same = same_payloads(mine.take(pa.array(later)), mine.take(pa.array(first[code[later]])))
    judged = outcome.copy()
    judged[suspects[later]] = np.where(same, Novelty.DUPLICATE, Novelty.CONFLICT)
    return judged


def _repeated(hashes: Hashes) -> Rows:
    """Rows whose hash occurs more than once, in order."""
    if len(hashes) < 2:
        return np.zeros(0, dtype=np.int64)
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return np.flatnonzero(np.isin(hashes, twice)) if len(twice) else np.zeros(0, dtype=np.int64)
