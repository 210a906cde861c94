"""What became of the rows of a file, for programs and, in both languages, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from andon.ingest.v1 import ingest_pb2
from andon_records.batches import Batch
from andon_records.mapping.conversion import NO_DOUBTS, TimeDoubts, Unparsed
from andon_records.mapping.document import ROW, CsvMapping
from andon_records.mapping.doubts import doubt_messages, unparsed_message
from andon_records.messages import Message

from andon_client.load_messages import message
from andon_client.presentation.formats import refusal_name

ROWS_SHOWN = 20


@dataclass(frozen=True)
class Rejected:
    """One row that was not accepted. `why` is known where the client can say it better than `message` of the server."""

    row: int
    field: str
    reason: str
    message: str
    why: Message | None = None

    def text(self, locale: str) -> str:
        return self.why.text(locale) if self.why is not None else self.message


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
        rejected = [Rejected(row, "", "UNREADABLE", what.text(), what) for row, what in batch.set_aside.examples]
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
                    if reason == "EVENT_ID_CONFLICT":
                        why = message("id_conflict")
                    rejected.append(Rejected(batch.row_of(entry.index), entry.field, reason, entry.message, why))
        rejected.sort(key=lambda one: one.row)
        self.rejected += rejected[: ROWS_SHOWN - len(self.rejected)]

    def first_refusal(self) -> Message:
        """The first row that was refused, as a sentence of its own; there is one."""
        worst = self.rejected[0]
        field = f"{worst.field}: " if worst.field else ""
        return message("refused_first", row=worst.row, field=field, message=worst.why or worst.message)

    def document(self) -> dict[str, object]:
        """For programs: plain values."""
        rejected = [
            {"row": one.row, "field": one.field, "reason": one.reason, "message": one.text("en")}
            for one in self.rejected
        ]
        unparsed = {name: vars(lost) for name, lost in self.unparsed.items()}
        plain = {name: value for name, value in vars(self).items() if name != "doubts"}
        counted = {"by_reason": dict(self.by_reason), "unparsed": unparsed, "rejected": rejected}
        return {**plain, **counted, **vars(self.doubts)}


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
        field = f"{one.field}: " if one.field else ""
        yield message("refused_row", row=one.row, field=field, message=one.text(locale)).text(locale), False
    if more := sum(report.by_reason.values()) - len(report.rejected):
        yield message("refused_more", count=more).text(locale), False
