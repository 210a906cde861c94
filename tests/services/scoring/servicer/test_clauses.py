"""ClauseService over real gRPC: stored, linked to indicators that exist, covered while one of them is live."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import pytest
from andon.common.v1.interval_pb2 import Interval
from andon.common.v1.text_pb2 import Text
from andon.scoring.v1 import clause_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.services.scoring.conftest import MONDAY, SYSTEM

PAST = Timestamp(seconds=int(MONDAY.timestamp()))
UNCOVERED, COVERED = pb.CLAUSE_COVERAGE_UNCOVERED, pb.CLAUSE_COVERAGE_COVERED


def clause(*indicators: str, **fields: Any) -> pb.Clause:
    text = Text(en="Monitor perception", zh="监视顾客感受")
    made = pb.Clause(document="ISO 9001:2015", number="9.1.2", text=text, **fields)
    for name in indicators:
        made.links.add(indicator_system=SYSTEM, indicator=name)
    return made


def fields_at_fault(caught: Any) -> set[str]:
    found = error_details_pb2.BadRequest()
    assert any(one.Unpack(found) for one in rpc_status.from_call(caught.value).details)
    return {one.field for one in found.field_violations}


async def test_a_clause_is_covered_while_the_active_version_has_one_of_its_indicators(suite: Any, make: Any) -> None:
    stub = suite.clauses()

    async def store(name: str, one: pb.Clause, **fields: Any) -> pb.Clause:
        made: pb.Clause = (await stub.CreateClause(pb.CreateClauseRequest(clause_id=name, clause=one, **fields))).clause
        return made

    async def listed(**fields: Any) -> list[str]:
        return [one.name for one in (await stub.ListClauses(pb.ListClausesRequest(**fields))).clauses]

    async def unclaimed() -> set[str]:
        found = await stub.ListUnclaimedIndicators(pb.ListUnclaimedIndicatorsRequest(indicator_system=SYSTEM))
        return {one.indicator for one in found.indicators}

    spec = make.spec()
    await suite.activate(spec)
    names = {one.name for one in spec.indicators}
    assert await unclaimed() == names
    dry = await store("linked", clause("sla_breach"), validate_only=True)
    assert dry.coverage == COVERED
    linked = await store("linked", clause("sla_breach"), request_id=(key := str(uuid.uuid4())))
    assert await store("linked", clause("sla_breach"), request_id=key) == linked
    await store("bare", clause())
    past = await store("past", clause("to_close", effective=Interval(end=PAST), superseded_by=linked.name))
    assert (linked.coverage, past.coverage) == (COVERED, pb.CLAUSE_COVERAGE_NOT_IN_FORCE)
    assert await listed(coverages=[UNCOVERED]) == ["clauses/bare"]
    assert await listed(document="ISO 9001:2015") == ["clauses/bare", "clauses/linked", "clauses/past"]
    assert await listed(document="ISO 20000") == []
    # What only a clause names that is not in force, no clause names.
    assert await unclaimed() == names - {"sla_breach"}
    first = await stub.ListClauses(pb.ListClausesRequest(page_size=2))
    rest = await stub.ListClauses(pb.ListClausesRequest(page_size=2, page_token=first.next_page_token))
    assert [one.name for one in (*first.clauses, *rest.clauses)] == await listed()
    shorter = make.spec()
    kept = [one for one in shorter.indicators if one.name != "sla_breach"]
    del shorter.indicators[:]
    shorter.indicators.extend(kept)
    await suite.activate(shorter)
    assert await listed(coverages=[UNCOVERED]) == ["clauses/bare", "clauses/linked"]
    shown = (await stub.GetClause(pb.GetClauseRequest(name=linked.name))).clause
    assert [one.live for one in shown.links] == [False]
    shown.links[0].indicator = "overall"
    changed = (await stub.UpdateClause(pb.UpdateClauseRequest(clause=shown))).clause
    assert changed.coverage == COVERED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.UpdateClause(pb.UpdateClauseRequest(clause=shown))
    assert caught.value.code() is grpc.StatusCode.ABORTED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await store("bare", clause())
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    theirs = suite.clauses("quiet")
    assert not (await theirs.ListClauses(pb.ListClausesRequest())).clauses


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"document": " ", "number": ""}, {"clause.document", "clause.number"}),
        ({"text": Text()}, {"clause.text"}),
        ({"effective": Interval(start=PAST, end=PAST)}, {"clause.effective"}),
        ({"superseded_by": "clauses/x"}, {"clause.superseded_by", "clause.effective.end"}),
        ({"superseded_by": "clauses/none", "effective": Interval(end=PAST)}, {"clause.superseded_by"}),
        ({"links": [pb.ClauseLink(indicator_system="desk")]}, {"clause.links[0].indicator_system"}),
        (
            {"links": [pb.ClauseLink(indicator_system="processes/no/indicatorSystems/main", indicator="x")]},
            {"clause.links[0].indicator_system"},
        ),
        ({"links": [pb.ClauseLink(indicator_system=SYSTEM, indicator="gone")]}, {"clause.links[0].indicator"}),
        ({"links": 2 * [pb.ClauseLink(indicator_system=SYSTEM, indicator="sla_breach")]}, {"clause.links[1]"}),
    ],
)
async def test_what_a_clause_may_not_say_is_named(
    suite: Any, make: Any, changes: dict[str, Any], fields: set[str]
) -> None:
    await suite.activate(make.spec())
    one = clause()
    for name, value in changes.items():
        one.ClearField(name)  # type: ignore[arg-type]
        one.MergeFrom(pb.Clause(**{name: value}))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await suite.clauses().CreateClause(pb.CreateClauseRequest(clause_id="x", clause=one))
    assert fields_at_fault(caught) == fields
