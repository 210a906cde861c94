"""What a file would become, found by converting every row of it and sending none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from andon_records.batches import Batch
from andon_records.mapping.absence import REQUIRED_FIELDS
from andon_records.mapping.document import CsvMapping
from andon_records.mapping.doubts import doubt_messages, unparsed_message

from andon_client.load_messages import message
from andon_client.load_report import ROWS_SHOWN, LoadReport, Rejected


class Validation:
    """Collects batches; holds the first of them and counts of the rest."""

    def __init__(self, mapping: CsvMapping) -> None:
        self._mapping = mapping
        self._report = LoadReport()
        self._first: Batch | None = None
        self._incomplete = 0
        # Every id of the file, to find those that come again.
        self._ids: set[str] = set()
        self._repeated = 0
        self._first_repeated: tuple[int, str] | None = None
        self._refused: list[Rejected] = []

    def add(self, batch: Batch) -> None:
        self._report.add(batch, None)
        self._refused += [Rejected(row, "", "UNREADABLE", what) for row, what in batch.set_aside.examples]
        if batch.events:
            self._first = self._first or batch
            self._check(batch)

    def _check(self, batch: Batch) -> None:
        """What the service would refuse because a field that it needs is absent."""
        events = _events(batch)
        absent = {name: np.asarray(pc.is_null(events[name])) for name in REQUIRED_FIELDS}
        lacking = np.logical_or.reduce(list(absent.values()))
        for place in (int(one) for one in np.flatnonzero(lacking)[: max(0, ROWS_SHOWN - len(self._refused))]):
            name = next(name for name in REQUIRED_FIELDS if absent[name][place])
            row, why = int(batch.row_numbers[place]), batch.why_absent[name, place]
            self._refused.append(Rejected(row, name, "FIELD_REQUIRED", why, batch.columns.get(name, "")))
        self._incomplete += int(np.count_nonzero(lacking))
        self._note_repeated(batch, events["id"].to_pylist())

    def _note_repeated(self, batch: Batch, ids: list[str | None]) -> None:
        """Ids that came before: of events with one id only the first is an event of its own."""
        known = [one for one in ids if one is not None]
        if len(set(known)) == len(known) and self._ids.isdisjoint(known):
            self._ids.update(known)
            return
        for place, one in enumerate(ids):
            if one is None:
                continue
            if one in self._ids:
                self._repeated += 1
                self._first_repeated = self._first_repeated or (int(batch.row_numbers[place]), one)
            self._ids.add(one)

    @property
    def _events(self) -> int:
        return self._report.received - self._report.omitted - self.refused

    @property
    def refused(self) -> int:
        return self._incomplete + self._report.unreadable

    def _first_refused(self) -> list[Rejected]:
        return sorted(self._refused, key=lambda one: one.row)[:ROWS_SHOWN]

    def first(self, count: int) -> Iterator[dict[str, object]]:
        """The first events with what they have, times as ISO 8601 in UTC."""
        if self._first is None:
            return
        rows = self._first.row_numbers
        for place, event in enumerate(islice(_events(self._first).to_pylist(), count)):
            given = {
                name: value.isoformat() if hasattr(value, "isoformat") else value
                for name, value in event.items()
                if value is not None
            }
            yield {"row": int(rows[place]), **given}

    def said(self, locale: str) -> Iterator[str]:
        omitted = self._report.omitted
        places: dict[str, object] = {"rows": self._report.rows, "events": self._events}
        places["omitted"] = message("validated_omitted", count=omitted) if omitted else ""
        yield message("validated", **places).text(locale)
        if self.refused:
            yield message("validated_refused", count=self.refused).text(locale)
        for one in self._first_refused():
            yield message("refused_row", refusal=one.said).text(locale)
        if self._first_repeated is not None:
            row, text = self._first_repeated
            repeated = message("ids_repeated", count=self._repeated, row=row, text=text)
            yield f"  {repeated.text(locale)}"
        for name, lost in self._report.unparsed.items():
            if name not in REQUIRED_FIELDS:
                yield f"  {unparsed_message(name, lost, self._mapping).text(locale)}"
        for doubt in doubt_messages(self._report.doubts, self._mapping):
            yield f"  {doubt.text(locale)}"

    def document(self) -> dict[str, object]:
        refused = [
            {"row": one.row, "field": one.field, "column": one.column, "message": str(one.why)}
            for one in self._first_refused()
        ]
        return {
            "rows": self._report.rows,
            "events": self._events,
            "refused": self.refused,
            "omitted": self._report.omitted,
            "rejected": refused,
            "unparsed": {name: vars(lost) for name, lost in self._report.unparsed.items()},
            **vars(self._report.doubts),
            "repeated_ids": self._repeated,
            "first": list(self.first(5)),
        }


def _events(batch: Batch) -> pa.Table:
    return pa.ipc.open_stream(batch.arrow_ipc).read_all()
