"""What is refused before it is served, with the path of each field at fault."""

from __future__ import annotations

import math
import uuid

import pytest
from andon.common.v1 import value_pb2
from andon.improvement.v1 import problem_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import scoring_pb2

from services.runtime.errors import InvalidArgument
from services.runtime.request_rules import BYTES_AT_ONCE, VIOLATIONS_MAX, check_request, first_violations


def fields(request: object) -> list[str]:
    return [one.field for one in first_violations(request)]  # type: ignore[arg-type]


def test_a_request_within_the_rules_passes():
    request = scoring_pb2.ListScoresRequest(page_size=-1, at_least="anything")
    request.filter.indicators.extend(["a", "b"])
    request.filter.windows.append(1)
    request.interval.start.seconds, request.interval.end.seconds = -62_135_596_800, 253_402_300_799
    assert fields(request) == []


def test_each_field_at_fault_is_named_by_its_path_and_index():
    request = scoring_pb2.CreateIndicatorSystemRequest(request_id=str(uuid.uuid4()))
    spec = request.spec
    spec.title.zh = "\0"
    spec.indicators.add(weight=1.0)
    spec.indicators.add(weight=math.nan, windows=[1, 77])
    spec.indicators[1].target.worst = math.inf
    spec.lateness.seconds = 2**62
    spec.measures.add().flag.attribute.equals.append(value_pb2.Value(text="x\0"))
    spec.indicators[0].chart.baseline_interval.start.nanos = -1
    assert fields(request) == [
        "spec.title.zh",
        "spec.measures[0].flag.attribute.equals[0].text",
        "spec.indicators[0].chart.baseline_interval.start",
        "spec.indicators[1].target.worst",
        "spec.indicators[1].weight",
        "spec.indicators[1].windows[1]",
        "spec.lateness",
    ]


def test_keys_and_values_of_a_map_are_looked_at():
    assert fields(problem_pb2.Problem(slice={"team\0": "B", "site": "\0"})) == ['slice["site"]', 'slice["team\\0"]']


def test_seconds_and_nanos_of_a_duration_have_one_sign():
    request = scoring_pb2.WatchScoresRequest()
    request.heartbeat.seconds, request.heartbeat.nanos = 1, -5
    assert fields(request) == ["heartbeat"]
    request.heartbeat.seconds = -1
    assert fields(request) == []


def test_events_of_a_batch_are_left_to_who_answers_for_each():
    request = ingest_pb2.WriteEventsRequest(request_id="\0")
    request.batch.rows.events.add(id="\0").attributes["cost"].number = math.nan
    assert fields(request) == ["request_id"]


async def test_a_large_request_is_refused_like_a_small_one_with_a_bounded_answer():
    request = ingest_pb2.ReadCasesRequest(case_ids=["\0"] * BYTES_AT_ONCE)
    with pytest.raises(InvalidArgument) as caught:
        await check_request(request)
    assert [one.field for one in caught.value.field_violations] == [f"case_ids[{n}]" for n in range(VIOLATIONS_MAX)]
