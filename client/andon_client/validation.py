"""What a file would become, found by converting every row of it and sending none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from andon_client.batches import Batch
from andon_client.load_messages import Message, message
from andon_client.load_report import ROWS_SHOWN, LoadReport, unparsed_message
from andon_client.mapping import CsvMapping

REQUIRED = ("id", "case_id", "activity", "time")


class Validation:
    """Collects batches; holds the first of them and counts of the rest."""

    def __init__(self, mapping: CsvMapping) -> None:
        self._mapping = mapping
        self._report = LoadReport()
        self._first: Batch | None = None
        self._incomplete = 0
        self._refused: list[tuple[int, str, Message]] = []

    def add(self, batch: Batch) -> None:
        self._report.add(batch, None)
        self._refused += [(row, "", what) for row, what in batch.unreadable.examples]
        if batch.events:
            self._first = self._first or batch
            self._check(batch)

    def _check(self, batch: Batch) -> None:
        """What the service would refuse because a field that it needs is absent."""
        events = _events(batch)
        lacking = np.zeros(batch.events, np.bool_)
        for name in REQUIRED:
            absent = np.asarray(pc.is_null(events[name]))
            for place in np.flatnonzero(absent & ~lacking)[: max(0, ROWS_SHOWN - len(self._refused))]:
                why = batch.why_unread.get(int(place)) if name == "time" else None
                self._refused.append((int(batch.row_numbers[place]), name, why or message("field_absent", field=name)))
            lacking |= absent
        self._incomplete += int(np.count_nonzero(lacking))

    @property
    def refused(self) -> int:
        return self._incomplete + self._report.unreadable

    def _first_refused(self) -> list[tuple[int, str, Message]]:
        return sorted(self._refused, key=lambda one: one[0])[:ROWS_SHOWN]

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
        events = self._report.received - self.refused
        yield message("validated", rows=self._report.rows, events=events).text(locale)
        if self.refused:
            yield message("validated_refused", count=self.refused).text(locale)
        for row, field, what in self._first_refused():
            place = f"{field}: " if field else ""
            yield message("refused_row", row=row, field=place, message=what).text(locale)
        for name, lost in self._report.unparsed.items():
            if name not in REQUIRED:
                yield f"  {unparsed_message(name, lost, self._mapping).text(locale)}"
        if self._report.folded:
            yield f"  {message('folded', count=self._report.folded, zone=self._mapping.time_zone).text(locale)}"

    def document(self) -> dict[str, object]:
        refused = [
            {"row": row, "field": field, "message": what.text("en")} for row, field, what in self._first_refused()
        ]
        return {
            "rows": self._report.rows,
            "events": self._report.received - self.refused,
            "refused": self.refused,
            "rejected": refused,
            "unparsed": {name: vars(lost) for name, lost in self._report.unparsed.items()},
            "folded": self._report.folded,
            "first": list(self.first(5)),
        }


def _events(batch: Batch) -> pa.Table:
    return pa.ipc.open_stream(batch.arrow_ipc).read_all()
