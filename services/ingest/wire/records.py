"""Records and mappings of the contract, both ways."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from andon.ingest.v1 import mapping_pb2, record_pb2
from andon_records.mapping.contract_form import to_document
from andon_records.mapping.document import CsvMapping, check_for_records, parse_mapping
from google.protobuf import json_format
from numpy.typing import NDArray

from services.ingest.admission.raw_records import MappedRecords, map_arrow, map_json
from services.ingest.model import Fault, MalformedBatch, RecordOrigin, SourceId, Written
from services.ingest.wire import error_reason
from services.ingest.wire.encoded_rows import json_records

ACCEPTED = int(record_pb2.RECORD_OUTCOME_ACCEPTED)
DUPLICATE = int(record_pb2.RECORD_OUTCOME_DUPLICATE)
QUARANTINED = int(record_pb2.RECORD_OUTCOME_QUARANTINED)
OMITTED = int(record_pb2.RECORD_OUTCOME_OMITTED)


@lru_cache(maxsize=1024)
def mapping_of(serialised: bytes, source: SourceId) -> CsvMapping:
    """Raises MalformedMapping with the key at fault, also for what only the records of a file have."""
    mapping = file_mapping_of(serialised, source)
    check_for_records(mapping)
    return mapping


def file_mapping_of(serialised: bytes, source: SourceId) -> CsvMapping:
    """Raises MalformedMapping with the key at fault."""
    message = mapping_pb2.RecordMapping.FromString(serialised)
    contract = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return parse_mapping({**to_document(contract), "source": source})


def mapped(records: record_pb2.RawRecords | memoryview, mapping: CsvMapping, source: SourceId) -> MappedRecords:
    """Of records, or of an encoded JsonRecords. Raises MalformedBatch, relative to the records, and DecodeError."""
    if isinstance(records, memoryview):
        return map_json(mapping, source, json_records(records))
    match records.WhichOneof("encoding"):
        case "json":
            return map_json(mapping, source, records.json.records)
        case "arrow_ipc":
            return map_arrow(mapping, source, records.arrow_ipc)
    raise MalformedBatch("", "records are json or arrow_ipc", "FIELD_REQUIRED")


def written_response(written: Written, origin: RecordOrigin, through: str) -> record_pb2.WriteRecordsResponse:
    outcomes = outcomes_of(origin, [fault.index for fault in written.faults], written.duplicates)
    counts = np.bincount(outcomes, minlength=OMITTED + 1).tolist()
    tally = written.tally
    return record_pb2.WriteRecordsResponse(
        outcomes=outcomes.tolist(),
        accepted=counts[ACCEPTED],
        duplicate=counts[DUPLICATE],
        quarantined=counts[QUARANTINED],
        omitted=counts[OMITTED],
        events=record_pb2.EventCounts(
            accepted=tally.accepted, duplicate=tally.duplicate, quarantined=tally.quarantined
        ),
        rejections=rejections_of(origin, written.faults, written.quarantine_ids),
        through=through,
    )


def outcomes_of(
    origin: RecordOrigin, refused_rows: list[int], duplicate_rows: Iterable[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """One RecordOutcome for each record: the worst of its events, and of a repeated one that only part was known."""
    rows = np.full(len(origin.of_row), ACCEPTED, np.int64)
    for duplicates in duplicate_rows:
        rows[duplicates] = DUPLICATE
    rows[refused_rows] = QUARANTINED
    outcomes = np.full(origin.count, OMITTED, np.int64)
    for outcome in (DUPLICATE, ACCEPTED, QUARANTINED):
        outcomes[origin.of_row[rows == outcome]] = outcome
    return outcomes


def rejections_of(
    origin: RecordOrigin, faults: Iterable[Fault], quarantine_ids: tuple[str, ...]
) -> list[record_pb2.RecordRejection]:
    named = dict(enumerate(quarantine_ids))
    # Rows of one record are next to each other.
    first = np.searchsorted(np.flatnonzero(np.diff(origin.of_row, prepend=-1)), np.arange(len(origin.of_row)), "right")
    begins = np.flatnonzero(np.diff(origin.of_row, prepend=-1))
    found = []
    for number, fault in enumerate(faults):
        record = int(origin.of_row[fault.index])
        whole = record in origin.refused
        found.append(
            record_pb2.RecordRejection(
                index=record,
                field=fault.field,
                reason=error_reason(fault.reason),
                message=origin.refused[record] if whole else fault.message,
                quarantine_id=named.get(number, ""),
                event_number=0 if whole else fault.index - int(begins[first[fault.index] - 1]) + 1,
            )
        )
    return sorted(found, key=lambda one: (one.index, one.event_number))
