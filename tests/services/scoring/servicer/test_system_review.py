"""Differences of versions and back-tests over real gRPC: what fired when, incidents caught, restarts, cancelling."""

from __future__ import annotations

import asyncio
import uuid

import grpc
import pytest
from andon.common.v1 import interval_pb2
from andon.scoring.v1 import scoring_pb2
from andon.scoring.v1 import system_review_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tests.services.scoring.conftest import MONDAY, SYSTEM, WEEK_S

ENDED = (pb.Backtest.STATE_DONE, pb.Backtest.STATE_FAILED, pb.Backtest.STATE_CANCELLED)
SERIES = "desk/main/sla_breach@week"
UNKNOWN = {"indicators": [{"name": "x", "measure": "none"}]}


def at(weeks):
    return Timestamp(seconds=round(MONDAY.timestamp() + weeks * WEEK_S))


def between(start, end=None):
    return interval_pb2.Interval(start=at(start), end=None if end is None else at(end))


async def done(suite, created):
    name = created.backtest.name
    while True:
        found = (await suite.system_review().GetBacktest(pb.GetBacktestRequest(name=name))).backtest
        if found.state in ENDED:
            return found
        await asyncio.sleep(0.05)


@pytest.fixture
async def history(suite, make):
    """Twenty weeks, in two of which nine tenths of the cases breach; scored by an active version."""
    await suite.activate(make.spec())
    events = make.weeks(20, 20, lambda week, place: place < (18 if week in (11, 12) else 2 + (week + place) % 2))
    through = await suite.write(events)
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    return suite


async def test_a_version_on_history_fires_where_activation_would(history, make):
    signals = await history.scoring().ListSignals(scoring_pb2.ListSignalsRequest())
    published = {(one.series, one.interval.start.seconds) for one in signals.signals}
    request = pb.CreateBacktestRequest(name=SYSTEM, interval=between(0, 30), request_id=str(uuid.uuid4()))
    request.incidents.add(title="Printer down", interval=between(11.5, 12.5), indicators=["sla_breach"])
    request.incidents.add(title="Never seen", interval=between(15.1))
    created = await history.system_review().CreateBacktest(request)
    assert await history.system_review().CreateBacktest(request) == created
    found = await done(history, created)
    assert (found.state, found.progress, found.event_count) == (pb.Backtest.STATE_DONE, 1.0, 20 * 20 * 3)
    report = found.report
    fired = {(one.series, alarm.interval.start.seconds) for one in report.series for alarm in one.alarms}
    assert fired == published
    assert report.alarm_count == report.active_alarm_count == len(published) >= 2
    charted = {one.series: one for one in report.series}
    assert set(charted) == {
        SERIES,
        f"{SERIES}{{priority=low}}",
        f"{SERIES}{{priority=high}}",
        "desk/main/to_close@week",
    }
    one = charted[SERIES]
    assert one.expected_false_alarms_per_month == pytest.approx(30.4375 / 7 / one.arl0)
    assert report.expected_false_alarms_per_month == pytest.approx(
        sum(each.expected_false_alarms_per_month for each in report.series)
    )
    # Six windows of phase I, and the last is open.
    assert one.window_count == 20 - 6 - 1
    caught, missed = report.incidents
    assert (caught.is_caught, caught.delay.seconds, missed.is_caught) == (True, WEEK_S / 2, False)
    assert caught.series.startswith(SERIES)
    assert "Printer down" in one.alarms[0].incidents
    assert f"fired {report.alarm_count} times" in report.summary.en
    listed = await history.system_review().ListBacktests(pb.ListBacktestsRequest())
    assert [(each.name, each.HasField("report")) for each in listed.backtests] == [(found.name, False)]


async def test_a_document_is_scored_without_a_version_and_publishes_nothing(history, make):
    before = await history.scoring().GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
    spec = make.spec()
    del spec.indicators[1:], spec.indicators[0].symptom_of[:]
    spec.indicators[0].chart.baseline_windows = 4
    created = await history.system_review().CreateBacktest(pb.CreateBacktestRequest(name=SYSTEM, document=spec))
    found = await done(history, created)
    assert found.state == pb.Backtest.STATE_DONE
    assert {one.series.partition("@")[0] for one in found.report.series} == {"desk/main/sla_breach"}
    # The last ninety days of the log: windows that end in the twelve weeks before its end.
    assert found.report.interval.end.seconds - found.report.interval.start.seconds == 90 * 86_400
    after = await history.scoring().GetScoringStatus(scoring_pb2.GetScoringStatusRequest())
    assert after.content_hash == before.content_hash
    versions = await history.scoring().ListIndicatorSystems(scoring_pb2.ListIndicatorSystemsRequest())
    assert [one.version for one in versions.indicator_systems] == [1]


async def test_corrections_count_in_a_back_test_as_in_scores(history, make):
    wrong = make.event("late", "case-00000", "Closed", 5 * 3_600.0, breached=True)
    wrong.supersedes = "case-00000-3"
    through = await history.write([wrong])
    await history.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    signals = await history.scoring().ListSignals(scoring_pb2.ListSignalsRequest())
    request = pb.CreateBacktestRequest(name=SYSTEM, interval=between(0, 30))
    report = (await done(history, await history.system_review().CreateBacktest(request))).report
    values = {(one.series, alarm.interval.start.seconds): alarm.centre for one in report.series for alarm in one.alarms}
    assert values == {(one.series, one.interval.start.seconds): one.centre for one in signals.signals}


async def test_a_window_that_need_not_wait_for_the_next_event_is_judged_in_a_back_test_too(suite, make):
    spec = make.spec()
    spec.event_span.seconds = WEEK_S
    await suite.activate(spec)
    through = await suite.write(make.weeks(20, 20, lambda week, place: place < (18 if week == 19 else 2 + place % 2)))
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    signals = await suite.scoring().ListSignals(scoring_pb2.ListSignalsRequest())
    request = pb.CreateBacktestRequest(name=SYSTEM, interval=between(0, 30))
    report = (await done(suite, await suite.system_review().CreateBacktest(request))).report
    fired = {(one.series, alarm.interval.start.seconds) for one in report.series for alarm in one.alarms}
    assert fired == {(one.series, one.interval.start.seconds) for one in signals.signals}
    assert (SERIES, at(19).seconds) in fired


async def test_a_back_test_survives_a_restart_and_can_be_cancelled(suite_of, make):
    suite = await suite_of()
    stop = await suite.start_scoring()
    await suite.activate(make.spec())
    await suite.write(make.weeks(12, 20, lambda week, place: place < 2))
    created = [await suite.system_review().CreateBacktest(pb.CreateBacktestRequest(name=SYSTEM)) for _ in range(3)]
    await suite.end_scoring(stop)
    await suite.start_scoring()
    stub = suite.system_review(replica=1)
    cancelled = await stub.CancelBacktest(pb.CancelBacktestRequest(name=created[2].backtest.name))
    ended = []
    for one in created:
        while True:
            found = (await stub.GetBacktest(pb.GetBacktestRequest(name=one.backtest.name))).backtest
            if found.state in ENDED:
                break
            await asyncio.sleep(0.05)
        ended.append(found.state)
    assert ended[:2] == [pb.Backtest.STATE_DONE] * 2
    assert ended[2] == cancelled.backtest.state
    again = await stub.CancelBacktest(pb.CancelBacktestRequest(name=created[0].backtest.name))
    assert again.backtest.state == pb.Backtest.STATE_DONE


async def test_a_log_with_too_many_cases_fails_with_a_reason(suite_of, make):
    suite = await suite_of()
    await suite.start_scoring(backtest_cases_max=10)
    await suite.activate(make.spec())
    await suite.write(make.weeks(2, 20, lambda week, place: False))
    found = await done(suite, await suite.system_review().CreateBacktest(pb.CreateBacktestRequest(name=SYSTEM)))
    assert found.state == pb.Backtest.STATE_FAILED
    assert "backtest_cases_max" in found.error.en


async def test_an_interval_that_is_still_to_come_fails_with_a_reason(suite, make):
    await suite.activate(make.spec())
    await suite.write(make.weeks(2, 20, lambda week, place: False))
    request = pb.CreateBacktestRequest(name=SYSTEM, interval=between(10_000))
    found = await done(suite, await suite.system_review().CreateBacktest(request))
    assert (found.state, found.HasField("report")) == (pb.Backtest.STATE_FAILED, False)
    assert "no window of the interval is complete" in found.error.en


async def test_no_more_than_five_back_tests_wait(suite, make):
    await suite.activate(make.spec())
    # No event was ever written, so nobody owns a partition and nobody runs them.
    stub = suite.system_review()
    for _ in range(5):
        await stub.CreateBacktest(pb.CreateBacktestRequest(name=SYSTEM))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.CreateBacktest(pb.CreateBacktestRequest(name=SYSTEM))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_differences_are_told_by_name_with_what_they_have_consequences_for(suite, make):
    await suite.activate(make.spec())
    changed = make.spec()
    first = changed.indicators[0]
    first.target.value, first.owner, first.chart.baseline_windows = 0.2, "somebody else", 8
    del changed.indicators[2]
    changed.measures[1].duration.business_time = True
    changed.lateness.seconds = 60
    request = pb.GetIndicatorSystemDiffRequest(name=SYSTEM, document=changed)
    found = await suite.system_review().GetIndicatorSystemDiff(request)
    changes = {one.field: one for one in found.changes}
    assert set(changes) == {
        "indicators[sla_breach].target.value",
        "indicators[sla_breach].owner",
        "indicators[sla_breach].chart.baseline_windows",
        "indicators[to_close_median]",
        "measures[to_close].duration.business_time",
        "lateness",
    }
    target = changes["indicators[sla_breach].target.value"]
    assert (target.before, target.after, target.effect) == ("0.1", "0.2", pb.CHANGE_EFFECT_POINTS)
    assert target.text.en == "indicators[sla_breach].target.value changes from 0.1 to 0.2: points and states."
    assert changes["indicators[to_close_median]"].kind == pb.SystemChange.KIND_REMOVED
    assert changes["measures[to_close].duration.business_time"].effect == pb.CHANGE_EFFECT_VALUES
    assert changes["indicators[sla_breach].chart.baseline_windows"].effect == pb.CHANGE_EFFECT_SIGNALS
    assert changes["indicators[sla_breach].owner"].effect == pb.CHANGE_EFFECT_WORDS
    assert (found.version_before, found.version_after) == (1, 0)
    same = await suite.system_review().GetIndicatorSystemDiff(pb.GetIndicatorSystemDiffRequest(name=SYSTEM))
    assert (len(same.changes), same.summary.zh) == (0, "二者相同。")


UNTESTABLE = [
    ({"name": "processes/desk/indicatorSystems/none"}, grpc.StatusCode.NOT_FOUND, ""),
    ({"name": SYSTEM, "version": 9}, grpc.StatusCode.NOT_FOUND, ""),
    ({"name": SYSTEM, "interval": between(2, 1)}, grpc.StatusCode.INVALID_ARGUMENT, "interval"),
    (
        {"name": SYSTEM, "incidents": [pb.MarkedIncident(title="x")]},
        grpc.StatusCode.INVALID_ARGUMENT,
        "incidents[0].interval.start",
    ),
    ({"name": SYSTEM, "catch_within": Duration(seconds=-1)}, grpc.StatusCode.INVALID_ARGUMENT, "catch_within"),
    ({"name": SYSTEM, "document": UNKNOWN}, grpc.StatusCode.FAILED_PRECONDITION, ""),
]


async def test_what_cannot_be_tested_is_refused(subtests, suite, make):
    await suite.activate(make.spec())
    for fields, code, place in UNTESTABLE:
        with subtests.test(str((fields, code, place))):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await suite.system_review().CreateBacktest(pb.CreateBacktestRequest(**fields))
            assert refused.value.code() is code
            assert refused.value.details().startswith(place)
