"""Protobuf and model, both ways."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from andon.common.v1.errors_pb2 import ErrorReason
from andon.common.v1.text_pb2 import Text
from andon.common.v1.value_pb2 import Value
from andon.ingest.v1 import event_pb2, ingest_pb2, mapping_pb2, quarantine_pb2, source_pb2

from services.ingest.columns import FIXED
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    DEDUP_HORIZON_US,
    FUTURE_TOLERANCE_US,
    OBJECT_KINDS,
    TIME_EARLIEST_US,
    UTC_US,
    Arrival,
    EntityField,
    EntityKind,
    Fault,
    FieldPolicy,
    IntakeQuota,
    IntakeTotals,
    QualityRules,
    Source,
    SourceId,
    Treatment,
    Written,
)
from services.ingest.wire.cleaning_rules import cleaning_message, cleaning_of
from services.ingest.wire.quality_rules import quality_message, quality_of
from services.ingest.wire.times import duration, micros, timestamp

SOURCE_PREFIX = "sources/"
KINDS = frozenset(map(int, EntityKind))
# What is no kind stays none.
_NO_KIND = event_pb2.ObjectKind.ValueType(99)
_KIND_NUMBERS = {name: event_pb2.ObjectKind.Value(f"OBJECT_KIND_{name.upper()}") for name in OBJECT_KINDS}


def written_response(written: Written, through: str) -> ingest_pb2.WriteEventsResponse:
    return ingest_pb2.WriteEventsResponse(
        accepted=written.tally.accepted,
        duplicate=written.tally.duplicate,
        quarantined=written.tally.quarantined,
        rejections=rejections(written.faults, written.quarantine_ids),
        through=through,
    )


def replay_response(written: Written, through: str) -> quarantine_pb2.ReplayEventsResponse:
    assert written.replay is not None
    return quarantine_pb2.ReplayEventsResponse(
        accepted_count=written.tally.accepted,
        duplicate_count=written.tally.duplicate,
        rejected_count=written.tally.quarantined,
        results=replay_results(written),
        next_page_token=written.replay.next_page_token,
        through=through,
    )


def replay_results(written: Written) -> list[quarantine_pb2.ReplayEventsResponse.Result]:
    """One for each entry, those that have changed meanwhile last."""
    assert written.replay is not None
    # The first fault of an entry is what is said of it.
    faults = {written.replay.of_row[fault.index]: fault for fault in reversed(written.faults)}
    results = [
        quarantine_pb2.ReplayEventsResponse.Result(
            quarantine_id=name,
            outcome=quarantine_pb2.ReplayOutcome.ValueType(written.outcomes[place]),
            rejection=rejection(faults[place], name) if place in faults else None,
        )
        for place, (name, _) in enumerate(written.replay.entries)
    ]
    changed = quarantine_pb2.REPLAY_OUTCOME_CHANGED_MEANWHILE
    gone = written.replay.changed
    return results + [quarantine_pb2.ReplayEventsResponse.Result(quarantine_id=name, outcome=changed) for name in gone]


def rejections(faults: Iterable[Fault], ids: tuple[str, ...]) -> list[event_pb2.Rejection]:
    named = dict(enumerate(ids))
    found = [rejection(fault, named.get(number, "")) for number, fault in enumerate(faults)]
    return sorted(found, key=lambda one: one.index)


def error_reason(name: str) -> ErrorReason.ValueType:
    return ErrorReason.Value("ERROR_REASON_" + name)


def rejection(fault: Fault, quarantine_id: str) -> event_pb2.Rejection:
    return event_pb2.Rejection(
        index=fault.index,
        field=fault.field,
        reason=error_reason(fault.reason),
        message=fault.message,
        quarantine_id=quarantine_id,
    )


def event_as_sent(came: Arrival, index: int) -> bytes:
    """Deterministic, so that the same event has the same bytes."""
    return event(came.page, index).SerializeToString(deterministic=True)


def event(page: pa.RecordBatch, row: int) -> event_pb2.Event:
    one = event_pb2.Event()
    for place, name in enumerate(page.schema.names):
        column = page.column(place)
        scalar = column[row]
        if not scalar.is_valid:
            continue
        if place >= len(FIXED):
            _set_value(one.attributes[name.removeprefix(ATTRIBUTE_PREFIX)], scalar, column.type)
        elif name == "time":
            one.time.CopyFrom(timestamp(scalar.value))
        elif name == "object_kind":
            one.object_kind = _KIND_NUMBERS.get(scalar.as_py(), _NO_KIND)
        else:
            setattr(one, name, scalar.as_py())
    return one


def _set_value(value: Value, scalar: Any, kind: pa.DataType) -> None:
    if kind == UTC_US:
        value.time.CopyFrom(timestamp(scalar.value))
    elif kind == pa.float64():
        value.number = scalar.as_py()
    elif kind == pa.int64():
        value.integer = scalar.as_py()
    elif kind == pa.bool_():
        value.flag = scalar.as_py()
    else:
        value.text = scalar.as_py()


def rows_of(page: pa.RecordBatch) -> event_pb2.EventBatch:
    events = [event(page, row) for row in range(page.num_rows)]
    return event_pb2.EventBatch(rows=event_pb2.EventRows(events=events))


def arrow_of(stream: bytes) -> event_pb2.EventBatch:
    return event_pb2.EventBatch(arrow_ipc=stream)


def source_id(name: str) -> SourceId:
    return SourceId(name.removeprefix(SOURCE_PREFIX))


def etag(source: Source) -> str:
    return f"r{source.revision}"


def source_message(source: Source) -> source_pb2.Source:
    return source_pb2.Source(
        name=SOURCE_PREFIX + source.id,
        kind=source.kind,  # type: ignore[arg-type]
        title=Text(en=source.title_en, zh=source.title_zh),
        dedup_horizon=duration(source.dedup_horizon_us),
        time_earliest=timestamp(source.time_earliest_us),
        future_tolerance=duration(source.future_tolerance_us),
        cleaning=cleaning_message(source.cleaning) if source.cleaning else None,
        policies=[policy_message(one) for one in source.policies],
        subject=source.subject,
        etag=etag(source),
        create_time=timestamp(source.created_at_us),
        mapping=mapping_pb2.RecordMapping.FromString(source.mapping) if source.mapping else None,
        quality=quality_message(source.quality) if source.quality != QualityRules() else None,
        quota=(
            source_pb2.IntakeQuota(
                events_per_second=source.quota.events_per_s, bytes_per_second=source.quota.bytes_per_s
            )
            if source.quota != IntakeQuota()
            else None
        ),
        silent_after=None if source.silent_after_us is None else duration(source.silent_after_us),
        entity_keys=[
            source_pb2.EntityField(field=one.field, kind=source_pb2.EntityKind.ValueType(one.kind))
            for one in source.entity_keys
        ],
        archive_after=None if source.archive_after_us is None else duration(source.archive_after_us),
    )


def source(message: source_pb2.Source, name: SourceId) -> Source:
    """Absent fields are the defaults."""
    return Source(
        id=name,
        kind=message.kind or source_pb2.SOURCE_KIND_EVENT_LOG,
        title_en=message.title.en,
        title_zh=message.title.zh,
        dedup_horizon_us=micros(message.dedup_horizon) if message.HasField("dedup_horizon") else DEDUP_HORIZON_US,
        time_earliest_us=micros(message.time_earliest) if message.HasField("time_earliest") else TIME_EARLIEST_US,
        future_tolerance_us=(
            micros(message.future_tolerance) if message.HasField("future_tolerance") else FUTURE_TOLERANCE_US
        ),
        policies=tuple(policy(one) for one in message.policies),
        subject=message.subject,
        mapping=message.mapping.SerializeToString(deterministic=True) if message.HasField("mapping") else b"",
        cleaning=cleaning_of(message.cleaning) if message.HasField("cleaning") else None,
        quality=quality_of(message.quality),
        quota=IntakeQuota(message.quota.events_per_second, message.quota.bytes_per_second),
        silent_after_us=micros(message.silent_after) if message.HasField("silent_after") else None,
        entity_keys=tuple(
            EntityField(one.field, EntityKind(one.kind)) for one in message.entity_keys if int(one.kind) in KINDS
        ),
        archive_after_us=micros(message.archive_after) if message.HasField("archive_after") else None,
    )


def policy_message(one: FieldPolicy) -> source_pb2.FieldPolicy:
    return source_pb2.FieldPolicy(
        field=one.field,
        treatment=one.treatment.value,  # type: ignore[arg-type]
        band=one.band,
        leading_characters=one.leading_characters,
    )


def policy(message: source_pb2.FieldPolicy) -> FieldPolicy:
    """A treatment that is none is KEEP: the rules of a source have refused it before."""
    known = int(message.treatment) in set(Treatment)
    treatment = Treatment(message.treatment) if known else Treatment.KEEP
    return FieldPolicy(message.field, treatment, message.band, message.leading_characters)


def source_watermarks(latest_us: Mapping[str, int]) -> list[ingest_pb2.SourceWatermark]:
    return [ingest_pb2.SourceWatermark(source=source, time=timestamp(us)) for source, us in latest_us.items()]


def counts(
    tallies: Mapping[str, IntakeTotals],
    reasons: Mapping[tuple[str, str], int],
    cleaned: Mapping[tuple[str, str, str], int],
) -> list[ingest_pb2.GetIntakeCountsResponse.Count]:
    return [
        ingest_pb2.GetIntakeCountsResponse.Count(
            source=name,
            received=tally.received,
            accepted=tally.accepted,
            duplicate=tally.duplicate,
            quarantined=tally.quarantined,
            replayed=tally.replayed,
            discarded=tally.discarded,
            expired=tally.expired,
            cleaned=cleaned.get((name, "", ""), 0),
            kept=tally.accepted + tally.duplicate - cleaned.get((name, "", ""), 0),
            cleaned_values=[
                ingest_pb2.GetIntakeCountsResponse.CleanedValues(rule=rule, field=field, count=count)
                for (owner, rule, field), count in cleaned.items()
                if owner == name and rule
            ],
            quarantined_by_reason={reason: count for (owner, reason), count in reasons.items() if owner == name},
        )
        for name, tally in tallies.items()
    ]
