"""The published incident log through the whole suite: its known answers, twice the same file, and shuffled."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from andon.scoring.v1 import indicator_system_pb2, score_pb2, scoring_pb2
from andon_client.commands.system import apply_system
from andon_client.documents import load_document
from andon_client.loading import load
from andon_client.suite import Suite
from andon_records.batches import Batch, read_batches
from andon_records.mapping.document import load_mapping

pytestmark = pytest.mark.timeout(290)
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
ROWS = 141_712


@pytest.fixture
def expected(incident_log: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((incident_log.parents[1] / "EXPECTED.json").read_text())["uci_incident_log"]
    return document


async def _begin(suite: Suite) -> None:
    spec = load_document(EXAMPLES / "it-incidents.system.yaml", indicator_system_pb2.IndicatorSystemSpec)
    await apply_system(suite, spec, "it-incidents")


async def _scores(suite: Suite, indicator: str) -> dict[tuple[str, str], score_pb2.Score]:
    request = scoring_pb2.ListScoresRequest(filter=scoring_pb2.SeriesFilter(indicators=[indicator]), page_size=10_000)
    page = await suite.scoring.ListScores(request)
    assert not page.next_page_token
    return {
        (score.series.split("@")[1], score.interval.start.ToDatetime().date().isoformat()): score
        for score in page.scores
    }


async def test_the_known_answers_come_out_and_the_file_again_changes_nothing(suite, desk, incident_log, expected):
    mapping = load_mapping(EXAMPLES / "it-incidents.mapping.yaml")
    async with Suite(suite.connection(suite.next_tenant())) as client:
        await _begin(client)
        report = await load(client.ingest, read_batches(incident_log, mapping))
        assert (report.received, report.accepted) == (ROWS, ROWS)
        await desk.settled(client)
        await _known_answers(client, expected)
        in_order = (await client.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())).content_hash

        again = await load(client.ingest, read_batches(incident_log, mapping))
        assert (again.accepted, again.duplicate, again.quarantined) == (0, ROWS, 0)
        await desk.settled(client)
        assert (await client.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())).content_hash == in_order

    batches = list(read_batches(incident_log, mapping, batch_rows=1_700))
    random.Random(2).shuffle(batches)
    async with Suite(suite.connection(suite.next_tenant())) as client:
        await _begin(client)
        shuffled = await load(client.ingest, iter(batches))
        assert shuffled.accepted == ROWS
        await desk.settled(client)
        assert (await client.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest())).content_hash == in_order


async def _known_answers(client: Suite, expected: dict[str, Any]) -> None:
    breach = await _scores(client, "sla_breach")
    everything = breach[("all", "1970-01-01")]
    published = expected["sla_breach"]
    assert everything.count == expected["incidents"]
    assert int(everything.moments.total) == published["n"]
    assert everything.value == pytest.approx(0.36580, abs=5e-6)
    for priority, (cases, breached) in published["by_priority"].items():
        score = breach[(f"all{{priority={priority}}}", "1970-01-01")]
        assert (score.count, int(score.moments.total)) == (cases, breached)
    for week, (cases, breached) in published["by_opening_week"].items():
        score = breach[("week", week)]
        assert (score.count, int(score.moments.total)) == (cases, breached)
    mean = (await _scores(client, "open_to_close_mean"))[("all", "1970-01-01")]
    median = (await _scores(client, "open_to_close_median"))[("all", "1970-01-01")]
    assert round(mean.value, 2) == expected["open_to_close_hours"]["mean"]
    assert round(median.value, 2) == expected["open_to_close_hours"]["median"]


def test_rows_of_the_unknown_state_are_kept_under_a_name_and_unknown_values_are_absent(incident_log):
    import pyarrow as pa
    import pyarrow.compute as pc

    mapping = load_mapping(EXAMPLES / "it-incidents.mapping.yaml")
    batches: list[Batch] = list(read_batches(incident_log, mapping))
    tables = [pa.ipc.open_stream(batch.arrow_ipc).read_all() for batch in batches]
    states = sum(pc.sum(pc.equal(table["activity"], "Unknown state")).as_py() for table in tables)
    groups = sum(table["attributes.assignment_group"].null_count for table in tables)
    assert states == 5
    assert round(groups / ROWS, 4) == 0.1003
    assert not any(pc.any(pc.equal(table["attributes.assignment_group"], "?")).as_py() for table in tables)
