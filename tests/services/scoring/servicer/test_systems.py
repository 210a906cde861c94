"""Indicator systems: versions, lint, activation, repeated requests, and history scored anew."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import pytest
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import scoring_pb2
from google.rpc import error_details_pb2, status_pb2

CREATE = scoring_pb2.CreateIndicatorSystemRequest
ACTIVATE = scoring_pb2.ActivateIndicatorSystemRequest


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def details_of(error: grpc.aio.AioRpcError, kind: Any) -> Any:
    status, found = status_pb2.Status(), kind()
    metadata = dict(error.trailing_metadata() or ())
    status.ParseFromString(bytes(metadata["grpc-status-details-bin"]))
    assert any(detail.Unpack(found) for detail in status.details)
    return found


async def test_versions_are_counted_listed_and_remembered_by_request_id(suite: Any, make: Any) -> None:
    stub = suite.scoring()
    request = CREATE(
        parent="processes/desk", indicator_system_id="main", spec=make.spec(), request_id=str(uuid.uuid4())
    )
    first = await stub.CreateIndicatorSystem(request)
    again = await stub.CreateIndicatorSystem(request)
    assert again == first
    assert first.indicator_system.version == 1
    assert first.indicator_system.state == system_pb.IndicatorSystem.STATE_DRAFT
    second = await stub.CreateIndicatorSystem(
        CREATE(parent="processes/desk", indicator_system_id="main", spec=make.spec(7))
    )
    assert second.indicator_system.version == 2
    listed = await stub.ListIndicatorSystems(scoring_pb2.ListIndicatorSystemsRequest(parent="processes/desk"))
    assert [one.version for one in listed.indicator_systems] == [2, 1]
    newest = await stub.GetIndicatorSystem(scoring_pb2.GetIndicatorSystemRequest(name=make.system))
    assert newest.indicator_system.version == 2
    request.spec.CopyFrom(make.spec(9))
    error = await refused(stub.CreateIndicatorSystem(request))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (
        await stub.CreateIndicatorSystem(
            CREATE(parent="processes/desk", indicator_system_id="main", spec=make.spec(), validate_only=True)
        )
    ).indicator_system.version == 0


async def test_what_does_not_pass_the_lint_is_not_stored(suite: Any, make: Any) -> None:
    stub, spec = suite.scoring(), make.spec()
    spec.indicators[0].measure = "nowhere"
    findings = (await stub.LintIndicatorSystem(scoring_pb2.LintIndicatorSystemRequest(spec=spec))).findings
    assert ("indicators[0].measure", scoring_pb2.LintFinding.SEVERITY_ERROR) in [
        (one.field, one.severity) for one in findings
    ]
    error = await refused(
        stub.CreateIndicatorSystem(CREATE(parent="processes/desk", indicator_system_id="main", spec=spec))
    )
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert not (await stub.ListIndicatorSystems(scoring_pb2.ListIndicatorSystemsRequest())).indicator_systems


async def test_a_stale_etag_and_an_unknown_version_are_refused(suite: Any, make: Any) -> None:
    stub = suite.scoring()
    made = await stub.CreateIndicatorSystem(
        CREATE(parent="processes/desk", indicator_system_id="main", spec=make.spec())
    )
    stale = await refused(stub.ActivateIndicatorSystem(ACTIVATE(name=make.system, version=1, etag="old")))
    assert stale.code() is grpc.StatusCode.ABORTED
    unknown = await refused(stub.ActivateIndicatorSystem(ACTIVATE(name=make.system, version=9)))
    assert unknown.code() is grpc.StatusCode.NOT_FOUND
    etag = made.indicator_system.etag
    active = await stub.ActivateIndicatorSystem(ACTIVATE(name=make.system, version=1, etag=etag))
    assert active.indicator_system.state == system_pb.IndicatorSystem.STATE_ACTIVE
    assert active.indicator_system.etag != etag


async def test_a_new_version_scores_history_anew_and_an_old_one_can_come_back(suite: Any, make: Any) -> None:
    stub = suite.scoring()
    await suite.activate(make.spec())
    events = make.weeks(10, 20, lambda week, place: place < (12 if week == 7 else 1 + week % 2))
    first_hash = await suite.content_hash(await suite.write(events[:-60]))
    changed = make.spec()
    changed.indicators[0].target.value = 0.2
    del changed.indicators[0].slices[:]
    await suite.activate(changed)
    through = await suite.write(events[-60:])
    await suite.content_hash(through)
    listed = (await stub.ListScores(scoring_pb2.ListScoresRequest(page_size=10_000))).scores
    assert {one.system_version for one in listed} == {2}
    assert not any("{" in one.series for one in listed)
    assert "new system version" in {one.reason for one in listed}
    signals = (await stub.ListSignals(scoring_pb2.ListSignalsRequest(include_retracted=True))).signals
    assert {one.reason for one in signals if one.series.endswith("}")} == {"new system version"}

    await stub.ActivateIndicatorSystem(ACTIVATE(name=make.system, version=1))
    back = await suite.content_hash(await suite.write(make.case(90_000, 9.5 * 604_800, 1.0, False)))
    await suite.activate(make.spec(), "quiet")
    extra = make.case(90_000, 9.5 * 604_800, 1.0, False)
    assert back == await suite.content_hash(await suite.write([*events, *extra], "quiet"), "quiet")
    assert back != first_hash


async def test_a_version_that_comes_back_is_scored_by_before_anything_else_is_written(suite: Any, make: Any) -> None:
    stub = suite.scoring()
    await suite.activate(make.spec())
    events = make.weeks(9, 20, lambda week, place: place < 2 + week % 2)
    through = await suite.write(events)
    first = await suite.content_hash(through)
    changed = make.spec()
    changed.indicators[0].target.value = 0.2
    await suite.activate(changed)
    assert await suite.content_hash(through) != first
    await stub.ActivateIndicatorSystem(ACTIVATE(name=make.system, version=1))
    assert await suite.content_hash(through) == first


async def test_a_role_that_an_rpc_is_not_for_may_not_call_it(suite: Any, make: Any) -> None:
    reader, nobody = suite.scoring(roles=["reader"]), suite.scoring(roles=["writer"])
    create = CREATE(parent="processes/desk", indicator_system_id="main", spec=make.spec())
    assert (await refused(reader.CreateIndicatorSystem(create))).code() is grpc.StatusCode.PERMISSION_DENIED
    assert (
        await refused(nobody.ListScores(scoring_pb2.ListScoresRequest()))
    ).code() is grpc.StatusCode.PERMISSION_DENIED


async def test_tenants_do_not_see_each_other(suite: Any, make: Any) -> None:
    await suite.activate(make.spec())
    await suite.content_hash(await suite.write(make.weeks(2, 10, lambda week, place: False)))
    other = suite.scoring(tenant="quiet")
    assert not (await other.ListScores(scoring_pb2.ListScoresRequest())).scores
    assert not (await other.ListIndicatorSystems(scoring_pb2.ListIndicatorSystemsRequest())).indicator_systems
    request = scoring_pb2.GetIndicatorSystemRequest(name=make.system)
    assert (await refused(other.GetIndicatorSystem(request))).code() is grpc.StatusCode.NOT_FOUND


async def test_what_a_document_names_and_the_log_never_had_is_warned_of_after_a_restart_too(
    suite: Any, make: Any
) -> None:
    spec = make.spec()
    spec.steps[1].activities[0] = "assigned "
    spec.measures[0].flag.attribute.attribute = "breeched"

    async def warnings(stub: Any) -> dict[str, str]:
        found = (await stub.LintIndicatorSystem(scoring_pb2.LintIndicatorSystemRequest(spec=spec))).findings
        return {one.field: one.message.en for one in found if one.check.endswith("_never_seen")}

    assert await warnings(suite.scoring()) == {}
    await suite.write(make.case(1, 0.0, hours=2.0, breached=False))
    never = "never occurred in the log; do you mean"
    expected = {
        "steps[1].activities": f'activity "assigned " {never} "Assigned"?',
        "measures[0].flag.attribute.attribute": f'attribute "breeched" {never} "breached"?',
    }
    assert await warnings(suite.scoring()) == expected
    await suite.start_scoring()
    assert await warnings(suite.scoring(1)) == expected
    made = await suite.scoring().CreateIndicatorSystem(
        CREATE(parent="processes/desk", indicator_system_id="main", spec=spec)
    )
    assert expected.items() <= {one.field: one.message.en for one in made.findings}.items()


async def test_lint_answers_where_the_log_does_not(suite_of: Any, make: Any) -> None:
    suite = await suite_of()
    suite.serve_tenant("acme", served=False)
    await suite.start_scoring()
    answer = await suite.scoring().LintIndicatorSystem(scoring_pb2.LintIndicatorSystemRequest(spec=make.spec()))
    assert not any(one.check.endswith("_never_seen") for one in answer.findings)


async def test_one_active_system_too_many_is_refused_and_a_new_version_of_one_is_not(suite_of: Any, make: Any) -> None:
    suite = await suite_of()
    await suite.start_scoring(active_systems_max=2)
    stub = suite.scoring()
    for id_ in ("one", "two", "three", "two"):
        await stub.CreateIndicatorSystem(CREATE(parent="processes/desk", indicator_system_id=id_, spec=make.spec()))
    names = [f"processes/desk/indicatorSystems/{id_}" for id_ in ("one", "two", "three")]
    for name, version in ((names[0], 1), (names[1], 1), (names[1], 2), (names[1], 1), (names[1], 1)):
        active = await stub.ActivateIndicatorSystem(ACTIVATE(name=name, version=version))
        assert active.indicator_system.state == system_pb.IndicatorSystem.STATE_ACTIVE
    for dry_run in (True, False):
        error = await refused(stub.ActivateIndicatorSystem(ACTIVATE(name=names[2], version=1, validate_only=dry_run)))
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        info = details_of(error, error_details_pb2.ErrorInfo)
        violations = details_of(error, error_details_pb2.PreconditionFailure).violations
        assert info.reason == "TOO_MANY_SYSTEMS"
        assert [(one.type, one.subject) for one in violations] == [("ACTIVE_SYSTEMS", names[2])]
        assert "at most 2 active" in violations[0].description
    listed = await stub.ListIndicatorSystems(scoring_pb2.ListIndicatorSystemsRequest(active_only=True))
    assert [one.name for one in listed.indicator_systems] == sorted(names[:2])
    listed = await stub.ListIndicatorSystems(scoring_pb2.ListIndicatorSystemsRequest())
    every = [(one.name, -one.version) for one in listed.indicator_systems]
    assert every == sorted(every)
