"""Events on their way into a file, on disk: a case lies in one partition, and a partition fits in memory."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ATTRIBUTE = "attributes."
# Rows that wait for their partition to be written, all together.
_ROWS_WAITING = 50_000
# Rows of a partition, where cases are of about one size.
PARTITION_ROWS = 50_000
_PARTITIONS_MAX = 512


def partitions_for(events: int) -> int:
    return max(1, min(_PARTITIONS_MAX, -(-events // PARTITION_ROWS)))


@dataclass(frozen=True)
class Exported:
    """What a file holds. mixed: attributes whose values have several types, which are texts where a column has one."""

    events: int
    cases: int
    first: datetime | None
    last: datetime | None
    mixed: Sequence[str]


class EventSpool:
    """Batches in the column layout of the contract, by partition. Use it as a context: it removes its files.

    left: of a batch the events that count, known only when all were added. kinds: the types of each column.
    attributes: by activity, the attributes that its events have.
    """

    def __init__(self, partitions: int, left: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None) -> None:
        self._left = left
        self.kinds: dict[str, set[pa.DataType]] = {}
        self.attributes: dict[str, dict[str, None]] = {}
        self.partitions = partitions
        self._waiting: list[list[pa.RecordBatch]] = [[] for _ in range(partitions)]
        self._rows = 0

    def __enter__(self) -> EventSpool:
        self._folder = tempfile.TemporaryDirectory(prefix="andon-export-")
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def add(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        activities = batch.column("activity")
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if column.null_count < len(column):
                kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
                self.kinds.setdefault(name, set()).add(kind)
                if name.startswith(ATTRIBUTE):
                    for one in pc.unique(activities.filter(column.is_valid())).to_pylist():
                        self.attributes.setdefault(one, {})[name] = None
        if self.partitions == 1:
            self._waiting[0].append(batch)
        else:
            self._split(batch)
        self._rows += batch.num_rows
        if self._rows >= _ROWS_WAITING:
            self.flush()

    def _split(self, batch: pa.RecordBatch) -> None:
        coded = pc.dictionary_encode(batch.column("case_id"))
        of_case = np.array([zlib.crc32(one.encode()) % self.partitions for one in coded.dictionary.to_pylist()])
        place = of_case[np.asarray(coded.indices)]
        order = np.argsort(place, kind="stable")
        ordered = batch.take(pa.array(order))
        bounds = np.searchsorted(place[order], np.arange(self.partitions + 1))
        for partition in np.flatnonzero(np.diff(bounds)):
            start, end = int(bounds[partition]), int(bounds[partition + 1])
            self._waiting[partition].append(ordered.slice(start, end - start))

    def flush(self) -> None:
        for partition, batches in enumerate(self._waiting):
            if not batches:
                continue
            with self._path(partition).open("ab") as file:
                for batch in batches:
                    sink = pa.BufferOutputStream()
                    with pa.ipc.new_stream(sink, batch.schema) as writer:
                        writer.write_batch(batch)
                    body = sink.getvalue()
                    file.write(len(body).to_bytes(8, "little"))
                    file.write(body)
            batches.clear()
        self._rows = 0

    def _path(self, partition: int) -> Path:
        return Path(self._folder.name) / f"{partition}.events"

    def pieces(self, partition: int) -> Iterator[pa.RecordBatch]:
        """The batches of a partition in the order in which they came."""
        path = self._path(partition)
        if not path.exists():
            return
        with path.open("rb") as file:
            while size := file.read(8):
                for batch in pa.ipc.open_stream(file.read(int.from_bytes(size, "little"))):
                    left = self._left(batch) if self._left is not None else batch
                    if left.num_rows:
                        yield left

    def written(self) -> Exported:
        """Counts what the partitions hold."""
        events = cases = 0
        first: datetime | None = None
        last: datetime | None = None
        seen: set[int] = set()
        for partition in range(self.partitions):
            if self.partitions > 1:
                cases += len(seen)
                seen.clear()
            for piece in self.pieces(partition):
                events += piece.num_rows
                seen.update(map(hash, piece.column("case_id").unique().to_pylist()))
                found = pc.min_max(piece.column("time")).as_py()
                first = found["min"] if first is None else min(first, found["min"])
                last = found["max"] if last is None else max(last, found["max"])
        return Exported(events, cases + len(seen), first, last, self.mixed())

    def kind(self, name: str) -> pa.DataType:
        """The type of a column; of one that has several, text."""
        kinds = self.kinds[name]
        return next(iter(kinds)) if len(kinds) == 1 else pa.utf8()

    def mixed(self) -> list[str]:
        return [name.removeprefix(ATTRIBUTE) for name, kinds in self.kinds.items() if len(kinds) > 1]

    def columns(self, fixed: Mapping[str, str]) -> dict[str, str]:
        """The columns that hold anything: what they are in the file, by name; attributes in order of their names."""
        dropped = ("supersedes", "retracts") if self._left is not None else ()
        given = {name: shown for name, shown in fixed.items() if name in self.kinds and name not in dropped}
        own = sorted(name for name in self.kinds if name.startswith(ATTRIBUTE))
        return {**given, **{name: name.removeprefix(ATTRIBUTE) for name in own}}
