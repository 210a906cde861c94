"""What was found is held against what was done, by hand-made signals whose verdict is plain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from andon.common.v1 import interval_pb2
from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import score_pb2, scoring_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from demo.detection import false_alarms, judge
from demo.simulation import PlantedFault

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
FAULT = PlantedFault("slow", "Slow", "慢", first_day=10, last_day=12, indicators=("wait",), slice={"team": "Red"})


def day(number, length=1):
    start = BEGIN + timedelta(days=number)
    end = start + timedelta(days=length)
    return interval_pb2.Interval(
        start=Timestamp(seconds=int(start.timestamp())), end=Timestamp(seconds=int(end.timestamp()))
    )


def signal(name="signals/1", at=10, indicator="wait", adverse=True):
    series = f"processes/desk/indicatorSystems/main/{indicator}@day"
    return score_pb2.Signal(name=name, series=series, interval=day(at), adverse=adverse)


def problem(*signals, **slice_):
    references = [problem_pb2.SignalReference(signal=name) for name in signals]
    return problem_pb2.Problem(name="problems/1", signals=references, slice=slice_)


def found(signals, problems=()):
    (finding,) = judge([FAULT], BEGIN, signals, problems)
    return finding


def test_an_adverse_signal_on_the_right_indicator_within_the_fault_finds_it():
    finding = found([signal(at=11), signal("signals/0", at=10)])
    assert finding.signal.name == "signals/0"
    assert finding.delay == timedelta(days=1)


@pytest.mark.parametrize(
    "other",
    [
        signal(at=9),
        signal(at=12),
        signal(indicator="satisfaction"),
        signal(indicator="wait_again"),
        signal(adverse=False),
    ],
    ids=["before", "after", "another indicator", "an indicator that begins alike", "better"],
)
def test_a_signal_elsewhere_does_not(other):
    finding = found([other])
    assert (finding.signal, finding.delay, finding.problem) == (None, None, None)
    assert not finding.cause_is_right


def test_a_window_that_only_touches_the_fault_counts():
    wide = score_pb2.Signal(name="signals/w", series="p/wait@week", interval=day(7, length=7), adverse=True)
    assert found([wide]).delay == timedelta(days=4)


def test_a_slice_of_the_indicator_counts():
    sliced = signal()
    sliced.series += "{team=Red}"
    assert found([sliced]).signal is not None


def test_the_cause_is_right_where_the_problem_of_the_signal_names_the_slice():
    assert found([signal()], [problem("signals/1", team="Red")]).cause_is_right


def test_the_cause_is_wrong_where_it_names_another_slice_or_none():
    assert not found([signal()], [problem("signals/1", team="Blue")]).cause_is_right
    assert not found([signal()], [problem("signals/1")]).cause_is_right


def test_a_problem_of_other_signals_is_not_the_faults():
    assert found([signal()], [problem("signals/9", team="Red")]).problem is None


def chart(points, alarms=(), arl=100.0, baseline=2):
    return scoring_pb2.GetControlChartResponse(
        points=[
            scoring_pb2.ChartPoint(interval=day(number), in_baseline=number < baseline) for number in range(points)
        ],
        signals=[signal(at=number) for number in alarms],
        arl0=arl,
    )


def test_quiet_windows_are_those_after_the_baseline_and_outside_of_faults_and_their_aftermath():
    alarms = false_alarms([FAULT], BEGIN, [chart(20)])
    # Of 20 days: 2 of the baseline, days 10 and 11 of the fault, three days of aftermath.
    assert (alarms.series, alarms.windows, alarms.seen) == (1, 13, 0)
    assert alarms.expected == pytest.approx(0.13)


def test_only_alarms_in_quiet_windows_are_false():
    alarms = false_alarms([FAULT], BEGIN, [chart(20, alarms=[1, 5, 10, 14, 16])])
    assert alarms.seen == 2


def test_two_rules_in_one_window_are_one_false_alarm():
    assert false_alarms([], BEGIN, [chart(20, alarms=[5, 5])]).seen == 1


def test_charts_add_up_each_by_its_own_promise():
    alarms = false_alarms([], BEGIN, [chart(12, arl=100.0), chart(12, arl=50.0)])
    assert (alarms.series, alarms.windows) == (2, 20)
    assert alarms.expected == pytest.approx(0.3)
