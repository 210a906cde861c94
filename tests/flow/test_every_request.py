"""Whatever a request holds, it is served or refused with a reason: no RPC takes it for a defect of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import (
    benchmark_pb2,
    entity_pb2,
    feed_pb2,
    form_pb2,
    ingest_pb2,
    privacy_pb2,
    quarantine_pb2,
    sensor_pb2,
    survey_pb2,
)
from andon.scoring.v1 import (
    alarm_review_pb2,
    benchmark_comparison_pb2,
    capability_pb2,
    clause_pb2,
    error_budget_pb2,
    funnel_pb2,
    overview_pb2,
    process_pb2,
    run_length_pb2,
    scoring_pb2,
    simulation_pb2,
    system_review_pb2,
    weight_pb2,
)
from andon_client.suite import Suite
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SERVICES = {
    "ingest": ingest_pb2.DESCRIPTOR.services_by_name["IngestService"],
    "quarantine": quarantine_pb2.DESCRIPTOR.services_by_name["QuarantineService"],
    "sensors": sensor_pb2.DESCRIPTOR.services_by_name["SensorService"],
    "benchmarks": benchmark_pb2.DESCRIPTOR.services_by_name["BenchmarkService"],
    "feeds": feed_pb2.DESCRIPTOR.services_by_name["FeedService"],
    "surveys": survey_pb2.DESCRIPTOR.services_by_name["SurveyService"],
    "entities": entity_pb2.DESCRIPTOR.services_by_name["EntityService"],
    "forms": form_pb2.DESCRIPTOR.services_by_name["FormService"],
    "privacy": privacy_pb2.DESCRIPTOR.services_by_name["PrivacyService"],
    "scoring": scoring_pb2.DESCRIPTOR.services_by_name["ScoringService"],
    "capability": capability_pb2.DESCRIPTOR.services_by_name["CapabilityService"],
    "overview": overview_pb2.DESCRIPTOR.services_by_name["OverviewService"],
    "system_review": system_review_pb2.DESCRIPTOR.services_by_name["SystemReviewService"],
    "alarm_review": alarm_review_pb2.DESCRIPTOR.services_by_name["AlarmReviewService"],
    "benchmark_comparisons": benchmark_comparison_pb2.DESCRIPTOR.services_by_name["BenchmarkComparisonService"],
    "clauses": clause_pb2.DESCRIPTOR.services_by_name["ClauseService"],
    "funnels": funnel_pb2.DESCRIPTOR.services_by_name["FunnelService"],
    "error_budgets": error_budget_pb2.DESCRIPTOR.services_by_name["ErrorBudgetService"],
    "simulation": simulation_pb2.DESCRIPTOR.services_by_name["SimulationService"],
    "process": process_pb2.DESCRIPTOR.services_by_name["ProcessService"],
    "run_lengths": run_length_pb2.DESCRIPTOR.services_by_name["RunLengthService"],
    "weights": weight_pb2.DESCRIPTOR.services_by_name["WeightService"],
    "improvement": improvement_pb2.DESCRIPTOR.services_by_name["ImprovementService"],
}
METHODS = [(service, method) for service, one in SERVICES.items() for method in one.methods]
DEPTH_MAX = 6
ANSWER_S_MAX = 20.0
LISTEN_S = 0.3
DEFECTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}

PLAIN_TEXTS = [
    "a",
    "\x1f\x7f\u2028",
    "'; --",
    "ü台\U0001f600",
    "x" * 5_000,
    "%_\\",
    "desk",
    "day",
    "team",
    "Europe/Berlin",
    "2026-02-29",
    "sources/desk",
    "processes/desk",
    "processes/desk/indicatorSystems/main",
    "desk/main/rework@day",
    "desk/main/rework@day{team=B}",
    "desk/main/rework@no",
    "problems/p",
    "problems/p/actions/1",
    "6f1c3f0e-0000-4000-8000-000000000000",
    "AQAAAA",
    "W10=",
]
PLAIN_NUMBERS = [0.0, -0.0, 0.5, 1.0, -1.5, 1e308, -1e308, 5e-324]
TIMES = [0, 1, -1, 1_700_000_000, -62_135_596_800, 253_402_300_799]
LENGTHS = [0, 1, -1, 60, 315_576_000_000, -315_576_000_000]
WHOLE = {
    FieldDescriptor.CPPTYPE_INT32: [0, 1, -1, 100, 2**31 - 1, -(2**31)],
    FieldDescriptor.CPPTYPE_INT64: [0, 1, -1, 2**63 - 1, -(2**63)],
    FieldDescriptor.CPPTYPE_UINT32: [0, 1, 2**31, 2**32 - 1],
    FieldDescriptor.CPPTYPE_UINT64: [0, 1, 2**64 - 1],
}


@dataclass(frozen=True)
class Pools:
    """What fields are filled with: with what the rules of every request allow, or with all that a message can hold."""

    texts: list[str]
    numbers: list[float]
    times: list[int]
    lengths: list[int]
    nanos: list[int]
    beyond_enums: list[int]


ALLOWED = Pools(PLAIN_TEXTS, PLAIN_NUMBERS, TIMES, LENGTHS, [0], [])
ANYTHING = Pools(
    [*PLAIN_TEXTS, "\0", "a\0b"],
    [*PLAIN_NUMBERS, float("nan"), float("inf"), float("-inf")],
    [*TIMES, -62_135_596_801, 253_402_300_800, 2**62, -(2**63)],
    [*LENGTHS, 315_576_000_001, 2**62, -(2**63)],
    [0, 1, -1, 999_999_999, 1_000_000_000, 2**31 - 1],
    [99, -1],
)


def values_of(field: FieldDescriptor, pools: Pools, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type, pools, depth + 1)
    if field.enum_type is not None:
        return st.sampled_from([*field.enum_type.values_by_number, *pools.beyond_enums])
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return st.sampled_from(pools.numbers)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=20)
    return st.sampled_from(pools.texts if field.type == FieldDescriptor.TYPE_STRING else WHOLE[field.cpp_type])


def _chosen(descriptor: Descriptor) -> st.SearchStrategy[list[FieldDescriptor]]:
    """Often one field alone: where many are set, the first that is wrong hides the others."""
    if not descriptor.fields:
        return st.just([])
    one = st.sampled_from(list(descriptor.fields))
    return st.one_of(one.map(lambda field: [field]), st.lists(one, unique_by=lambda field: field.name))


@st.composite
def messages(draw: Any, descriptor: Descriptor, pools: Pools, depth: int = 0) -> Any:
    """Any message of this kind: each field is left out or holds something that is at the edge of what it may hold."""
    made: Any = GetMessageClass(descriptor)()
    if descriptor.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        seconds = pools.times if descriptor.name == "Timestamp" else pools.lengths
        made.seconds, made.nanos = draw(st.sampled_from(seconds)), draw(st.sampled_from(pools.nanos))
        return made
    for field in draw(_chosen(descriptor)) if depth < DEPTH_MAX else ():
        held = getattr(made, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
            given = st.dictionaries(values_of(key, pools, depth), values_of(value, pools, depth), max_size=2)
            for name, one in draw(given).items():
                if value.message_type is not None:
                    held[name].CopyFrom(one)
                else:
                    held[name] = one
        elif hasattr(held, "append"):
            held.extend(draw(st.lists(values_of(field, pools, depth), max_size=2)))
        elif field.message_type is not None:
            held.CopyFrom(draw(values_of(field, pools, depth)))
        else:
            setattr(made, field.name, draw(values_of(field, pools, depth)))
    return made


async def answer(stub: Any, method: MethodDescriptor, request: Any) -> grpc.StatusCode:
    """How the call ends, or OK where it is answered at all."""
    name = method.name
    try:
        if method.server_streaming:
            call = getattr(stub, name)(iter([request]) if method.client_streaming else request, timeout=LISTEN_S)
            async for _ in call:
                break
            call.cancel()
        else:
            await getattr(stub, name)(request, timeout=ANSWER_S_MAX)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize(("service", "method"), METHODS, ids=[f"{one}.{method.name}" for one, method in METHODS])
# A request that fails is short as it is: making it shorter would take minutes of calls.
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])
@given(data=st.data())
async def test_no_request_is_taken_for_a_defect(connection: Any, service: str, method: MethodDescriptor, data: Any):
    pools = [ALLOWED, ANYTHING] * 10
    requests = [data.draw(messages(method.input_type, one)) for one in pools]
    async with Suite(connection) as suite:
        stub = getattr(suite, service)
        codes = await asyncio.gather(*(answer(stub, method, request) for request in requests))
    defects = {str(request): code for request, code in zip(requests, codes, strict=True) if code in DEFECTS}
    assert defects == {}
