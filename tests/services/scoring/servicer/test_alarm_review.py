"""Verdicts on signals, the precision of rules, and promised against realised false alarms, over real gRPC."""

from __future__ import annotations

import uuid

import grpc
import pytest
from andon.scoring.v1 import alarm_review_pb2 as pb
from andon.scoring.v1 import scoring_pb2

SERIES = "desk/main/sla_breach@week"
TRUE, FALSE, KNOWN = pb.ALARM_VERDICT_TRUE, pb.ALARM_VERDICT_FALSE, pb.ALARM_VERDICT_KNOWN


@pytest.fixture
async def signals(suite, make):
    """Of the breaches: two bad weeks of twenty."""
    await suite.activate(make.spec())
    events = make.weeks(20, 20, lambda week, place: place < (18 if week in (11, 12) else 2 + (week + place) % 2))
    through = await suite.write(events)
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    found = await suite.scoring().ListSignals(scoring_pb2.ListSignalsRequest(filter={"series": [SERIES]}))
    return [one for one in found.signals if one.rule == "WE1"]


async def judge(suite, signal, verdict, roles=("quality_manager",), subject="tester", **more):
    stub = suite.alarm_review(roles=roles, subject=subject)
    return (await stub.JudgeSignal(pb.JudgeSignalRequest(signal=signal, verdict=verdict, **more))).verdict


async def test_verdicts_of_reviewers_make_the_precision_of_a_rule(suite, signals):
    first, second = signals
    request_id = str(uuid.uuid4())
    made = await judge(suite, first.name, FALSE, comment="holiday", request_id=request_id)
    assert (made.series, made.rule, made.reviewer, made.interval) == (SERIES, "WE1", "tester", first.interval)
    assert await judge(suite, first.name, FALSE, comment="holiday", request_id=request_id) == made
    found = await suite.alarm_review().GetAlarmPrecision(pb.GetAlarmPrecisionRequest(filter={"series": [SERIES]}))
    assert (found.total.true_count, found.total.false_count, found.total.precision) == (0, 1, 0.0)

    # The last verdict of a reviewer counts, and most reviewers decide.
    await judge(suite, first.name, TRUE)
    await judge(suite, first.name, KNOWN, subject="other")
    await judge(suite, first.name, FALSE, subject="third")
    await judge(suite, second.name, TRUE)
    await judge(suite, second.name, FALSE, subject="other")
    found = await suite.alarm_review().GetAlarmPrecision(pb.GetAlarmPrecisionRequest(filter={"series": [SERIES]}))
    rules = {one.name: one for one in found.rules}
    assert (rules["WE1"].true_count, rules["WE1"].false_count, rules["WE1"].disputed_count) == (1, 0, 1)
    assert (rules["WE1"].precision, rules["WE1"].signal_count) == (1.0, 2)
    # Wilson's interval of one of one.
    assert rules["WE1"].lower == pytest.approx(0.2065, abs=1e-4)
    assert [one.name for one in found.indicators] == ["desk/main/sla_breach"]
    listed = await suite.alarm_review().ListVerdicts(pb.ListVerdictsRequest(signal=first.name, page_size=2))
    rest = await suite.alarm_review().ListVerdicts(
        pb.ListVerdictsRequest(signal=first.name, page_size=2, page_token=listed.next_page_token)
    )
    assert [one.reviewer for one in (*listed.verdicts, *rest.verdicts)] == ["third", "other", "tester"]
    assert not (await suite.alarm_review(tenant="quiet").ListVerdicts(pb.ListVerdictsRequest())).verdicts


async def test_a_monitor_is_measured_by_the_alarms_that_nobody_called_true(suite, signals):
    request = pb.ListMonitorReviewsRequest(filter={"series": [SERIES]})
    (before,) = (await suite.alarm_review().ListMonitorReviews(request)).monitors
    # Six windows of phase I, and the last of twenty is open.
    assert (before.window_count, before.alarm_count >= 2) == (13, True)
    assert before.expected_false_alarms == pytest.approx(13 / before.requested_arl0)
    assert before.unexplained_lower <= before.unexplained_count <= before.unexplained_upper
    assert before.state == pb.MonitorReview.STATE_TOO_MANY
    for one in signals:
        await judge(suite, one.name, TRUE)
    (after,) = (await suite.alarm_review().ListMonitorReviews(request)).monitors
    assert after.unexplained_count == before.unexplained_count - 2
    assert (after.true_alarm_count, after.false_alarm_count) == (2, 0)
    if not after.unexplained_count:
        assert after.state == pb.MonitorReview.STATE_AS_REQUESTED
    everything = await suite.alarm_review().ListMonitorReviews(pb.ListMonitorReviewsRequest())
    assert {one.series.indicator for one in everything.monitors} == {"sla_breach", "to_close"}


async def test_who_may_not_judge_and_what_cannot_be_judged_is_refused(suite, signals):
    for signal, verdict, roles, code in (
        ("processes/desk/signals/none", TRUE, ("quality_manager",), grpc.StatusCode.NOT_FOUND),
        (signals[0].name, 0, ("quality_manager",), grpc.StatusCode.INVALID_ARGUMENT),
        (signals[0].name, TRUE, ("reader",), grpc.StatusCode.PERMISSION_DENIED),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await judge(suite, signal, verdict, roles=roles)
        assert refused.value.code() is code
    await judge(suite, signals[0].name, TRUE, validate_only=True)
    assert not (await suite.alarm_review().ListVerdicts(pb.ListVerdictsRequest())).verdicts
