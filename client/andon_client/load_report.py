"""What became of the rows of a file, for programs and, in both languages, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyarrow as pa
from andon.ingest.v1 import ingest_pb2
from andon_records.batches import Batch
from andon_records.mapping.conversion import NO_DOUBTS, TimeDoubts, Unparsed
from andon_records.mapping.document import ROW, CsvMapping
from andon_records.mapping.doubts import doubt_messages, unparsed_message
from andon_records.messages import Message

from andon_client.load_messages import message
from andon_client.presentation.formats import refusal_name

ROWS_SHOWN, CHARS_SHOWN = 20, 80


@dataclass(frozen=True)
class Rejected:
    """One row that was not accepted; `column` of the file is what its `field` is made of, empty where that is none."""

    row: int
    field: str
    reason: str
    why: Message
    column: str = ""

    @property
    def said(self) -> Message:
        """Where it is and why, without the file."""
        shown = self.column and not any(f'"{name}"' in str(self.why) for name in self.column.split(", "))
        column = message("of_column", column=self.column) if shown else ""
        field = f"{self.field}: " if self.field else ""
        return message("refused_cell", row=self.row, column=column, field=field, message=self.why)


@dataclass
class LoadReport:
    """received = accepted + duplicate + quarantined + unreadable + omitted: of rows, or of events where a row is two.

    rows: records of the file that were answered for; skipped: those that were durable from a broken load before.
    """

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    unreadable: int = 0
    omitted: int = 0
    rows: int = 0
    skipped: int = 0
    through: str = ""
    doubts: TimeDoubts = NO_DOUBTS
    by_reason: Counter[str] = field(default_factory=Counter)
    unparsed: dict[str, Unparsed] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return self.quarantined + self.unreadable

    def add(self, batch: Batch, written: ingest_pb2.WriteEventsResponse | None) -> None:
        """A batch and its answer; None: it held nothing to send."""
        self.rows += batch.rows
        self.received += batch.events + batch.set_aside.records
        self.unreadable += batch.set_aside.unreadable
        self.omitted += batch.set_aside.omitted
        self.doubts += batch.doubts
        if batch.set_aside.unreadable:
            self.by_reason["UNREADABLE"] += batch.set_aside.unreadable
        for name, lost in batch.unparsed.items():
            before = self.unparsed.get(name)
            self.unparsed[name] = replace(before, count=before.count + lost.count) if before else lost
        rejected = [Rejected(row, "", "UNREADABLE", what) for row, what in batch.set_aside.examples]
        events = _Events(batch)
        if written is not None:
            self.accepted += written.accepted
            self.duplicate += written.duplicate
            self.quarantined += written.quarantined
            self.through = written.through or self.through
            for entry in written.rejections:
                reason = refusal_name(entry.reason)
                self.by_reason[reason] += 1
                if len(rejected) < ROWS_SHOWN:
                    why = batch.why_absent.get((entry.field.rsplit(".", 1)[-1], entry.index))
                    if why is None:
                        why = _why(reason, entry.message, events.value(entry.field, entry.index))
                    column = batch.columns.get(entry.field, "")
                    rejected.append(Rejected(batch.row_of(entry.index), entry.field, reason, why, column))
        rejected.sort(key=lambda one: one.row)
        self.rejected += rejected[: ROWS_SHOWN - len(self.rejected)]

    def first_refusal(self) -> Message:
        """The first row that was refused, as a sentence of its own; there is one."""
        return self.rejected[0].said

    def document(self) -> dict[str, object]:
        """For programs: plain values."""
        rejected = [
            {"row": one.row, "field": one.field, "column": one.column, "reason": one.reason, "message": str(one.why)}
            for one in self.rejected
        ]
        unparsed = {name: vars(lost) for name, lost in self.unparsed.items()}
        plain = {name: value for name, value in vars(self).items() if name != "doubts"}
        counted = {"by_reason": dict(self.by_reason), "unparsed": unparsed, "rejected": rejected}
        return {**plain, **counted, **vars(self.doubts)}


class _Events:
    """The events of a batch as they were sent, decoded where a refusal asks for one."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    @cached_property
    def _table(self) -> pa.Table:
        return pa.ipc.open_stream(self._batch.arrow_ipc).read_all()

    def value(self, field: str, index: int) -> str | None:
        """Its beginning; None: the field has none, or it is the event as a whole."""
        if not self._batch.arrow_ipc or field not in self._table.schema.names or index >= self._table.num_rows:
            return None
        value = self._table[field][index].as_py()
        if value is None:
            return None
        text = value.isoformat() if hasattr(value, "isoformat") else str(value)
        return text if len(text) <= CHARS_SHOWN else f"{text[:CHARS_SHOWN]}..."


def _why(reason: str, by_service: str, value: str | None) -> Message:
    """What the service says, with the value, and what to write where the client knows it."""
    hints = {"EVENT_TIME_IN_FUTURE": "hint_in_future", "EVENT_TIME_TOO_EARLY": "hint_too_early"}
    if reason == "EVENT_ID_CONFLICT":
        return message("id_conflict")
    if value is None:
        return message("plain", text=by_service)
    hint = message(hints[reason]) if reason in hints else ""
    return message("refused_value", value=value, message=by_service, hint=hint)


def said(report: LoadReport, mapping: CsvMapping, locale: str) -> Iterator[tuple[str, bool]]:
    """Lines of the report, each with whether it has markup; the balance first."""
    if report.skipped:
        yield message("rows_safe_before", rows=report.skipped).text(locale), False
    places: dict[str, object] = {
        name: getattr(report, name) for name in ("received", "accepted", "duplicate", "quarantined")
    }
    places["unreadable"] = message("balance_unreadable", count=report.unreadable) if report.unreadable else ""
    places["omitted"] = message("balance_omitted", count=report.omitted) if report.omitted else ""
    places["events"] = message("balance_events", rows=report.rows) if mapping.start_time is not None else ""
    yield message("balance", **places).text(locale), True
    for name, lost in report.unparsed.items():
        if name not in ("time", "start_time") or not report.rejected:
            yield f"  {unparsed_message(name, lost, mapping).text(locale)}", False
    for doubt in doubt_messages(report.doubts, mapping):
        yield f"  {doubt.text(locale)}", False
    for reason, count in report.by_reason.most_common():
        yield message("reason", count=count, reason=reason).text(locale), False
    if report.by_reason["EVENT_ID_CONFLICT"] and ROW in mapping.id.columns:
        yield message("rows_moved", accepted=report.accepted).text(locale), False
    for one in report.rejected:
        yield message("refused_row", refusal=one.said).text(locale), False
    if more := sum(report.by_reason.values()) - len(report.rejected):
        yield message("refused_more", count=more).text(locale), False
