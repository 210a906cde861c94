"""Published logs go in, out as XES, OCEL and Parquet, and in again for another tenant: the events are equal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from andon.ingest.v1 import ingest_pb2, source_pb2
from andon_client.export_formats import ExportFormat
from andon_client.exports import ExportWish, export_events
from andon_client.loading import load, register_source
from andon_client.suite import Suite
from andon_records.batches import batches_of, read_batches
from andon_records.files.readers import inspect_or_propose
from andon_records.files.standard_mapping import SourceChoice
from andon_records.mapping.document import load_mapping

pytestmark = pytest.mark.timeout(290)
ROOT = Path(__file__).parents[2]
Event = dict[str, Any]


async def _events(suite: Suite) -> dict[str, Event]:
    """Every event of the log with what it has, but the trace of its call."""
    found: dict[str, Event] = {}
    async for response in suite.ingest.ReadEvents(ingest_pb2.ReadEventsRequest()):
        for page in response.pages:
            for row in pa.ipc.open_stream(page.events.arrow_ipc).read_all().to_pylist():
                given = {name: value for name, value in row.items() if value is not None}
                given.pop("traceparent", None)
                found[given["id"]] = given
    return found


async def _there_and_back(
    suite: Any, tmp_path: Path, log: Path, mapping_name: str, forms: Sequence[ExportFormat]
) -> dict[str, Event]:
    mapping = load_mapping(ROOT / "examples" / mapping_name)
    async with Suite(suite.connection(suite.next_tenant())) as client:
        await register_source(client.ingest, mapping)
        await load(client.ingest, read_batches(log, mapping))
        before = await _events(client)
        for form in forms:
            packed = ".gz" if form is ExportFormat.XES else ""
            written = await export_events(client, tmp_path / f"log.{form.value}{packed}", ExportWish(form))
            assert written.events == len(before)
            assert written.cases == len({event["case_id"] for event in before.values()})
    for file in sorted(tmp_path.glob("log.*")):
        async with Suite(suite.connection(suite.next_tenant())) as client:
            # What is a pseudonym already stays as it is.
            own = ingest_pb2.CreateSourceRequest(source_id=mapping.source)
            own.source.policies.add(field="resource", treatment=source_pb2.TREATMENT_KEEP)
            await client.ingest.CreateSource(own)
            read, rules, _ = inspect_or_propose(file, None, SourceChoice())
            report = await load(client.ingest, batches_of(read, rules))
            assert (report.accepted, report.refused) == (len(before), 0)
            after = await _events(client)
        assert after.keys() == before.keys()
        different = [id for id, event in before.items() if after[id] != event]
        assert not different, (file.name, before[different[0]], after[different[0]])
    return before


async def test_the_help_desk_is_the_same_after_there_and_back(suite, tmp_path, incident_log):
    log = incident_log.with_name("italian_helpdesk.csv.gz")
    forms = [ExportFormat.XES, ExportFormat.OCEL_JSON, ExportFormat.OCEL_SQLITE, ExportFormat.PARQUET]
    events = await _there_and_back(suite, tmp_path, log, "italian-help-desk.mapping.yaml", forms)
    assert len(events) == 21_348
    assert len({event["case_id"] for event in events.values()}) == 4_580


@pytest.mark.slow
@pytest.mark.parametrize(
    ("log", "mapping", "count"),
    [
        ("uci_incident_event_log.csv.gz", "it-incidents.mapping.yaml", 141_712),
        ("bpic2012_loan.csv.gz", "loan-applications.mapping.yaml", 262_200),
    ],
)
async def test_large_logs_are_the_same_after_there_and_back(suite, tmp_path, incident_log, log, mapping, count):
    path = incident_log.with_name(log)
    assert len(await _there_and_back(suite, tmp_path, path, mapping, [ExportFormat.XES])) == count
