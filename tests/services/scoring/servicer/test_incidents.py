"""The incident log of a real service desk, loaded over gRPC: scoring states the published numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import scoring_pb2
from andon_client.documents import load_document
from andon_client.loading import load, register_source
from andon_records.batches import read_batches
from andon_records.mapping.document import load_mapping

ROOT = Path(__file__).parents[4]
DATA = ROOT / ".." / "shared" / "data"
LOG = DATA / "eventlogs" / "uci_incident_event_log.csv.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LOG.exists(), reason="needs the shared data sets next to the repository"),
]


async def reached(suite: Any, through: str) -> scoring_pb2.ListScoresResponse:
    """Everything through here; a loaded machine may need more than one wait."""
    request = scoring_pb2.ListScoresRequest(at_least=through, page_size=10_000)
    for _ in range(8):
        try:
            return await suite.scoring().ListScores(request, timeout=60)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
    raise AssertionError("scoring did not get there")


async def test_breaches_times_and_weeks_are_those_that_were_published(suite: Any) -> None:
    expected = json.loads((DATA / "EXPECTED.json").read_text())["uci_incident_log"]
    await suite.activate(load_document(ROOT / "examples" / "it-incidents.system.yaml", system_pb.IndicatorSystemSpec))
    mapping, ingest = load_mapping(ROOT / "examples" / "it-incidents.mapping.yaml"), suite.ingest()
    await register_source(ingest, mapping)
    loaded = await load(ingest, read_batches(LOG, mapping))
    assert loaded.accepted == expected["rows"]
    listed = await reached(suite, loaded.through)
    scores = {one.series: one for one in listed.scores if one.series.partition("{")[0].endswith("@all")}
    breach = scores["desk/main/sla_breach@all"]
    assert (breach.moments.total, breach.count) == (str(expected["sla_breach"]["n"]), expected["incidents"])
    for priority, (count, hits) in expected["sla_breach"]["by_priority"].items():
        one = scores[f"desk/main/sla_breach@all{{priority={priority}}}"]
        assert (one.count, one.moments.total) == (count, str(hits))
    weeks = [one for one in listed.scores if one.series == "desk/main/sla_breach@week"]
    for one, (count, hits) in zip(weeks, expected["sla_breach"]["by_opening_week"].values(), strict=False):
        assert (one.count, one.moments.total) == (count, str(hits))
    assert round(scores["desk/main/open_to_close_mean@all"].value, 2) == 315.33
    assert round(scores["desk/main/open_to_close_median@all"].value, 2) == 145.87
