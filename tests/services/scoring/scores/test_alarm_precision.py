"""Precision and requested against realised false alarms, without a service."""

from __future__ import annotations

import pytest
from scipy.stats import chi2

from services.scoring.scores.alarm_precision import (
    FALSE,
    KNOWN,
    TRUE,
    JudgedSignal,
    MonitorState,
    precision_of,
    precisions,
    realised,
)


def test_most_reviewers_decide_and_ties_are_in_neither():
    judged = [JudgedSignal("WE1", "a", said) for said in ((TRUE,), (KNOWN, FALSE, TRUE), (FALSE, TRUE), (FALSE,), ())]
    found = precision_of("WE1", judged, 0.95)
    assert (found.signals, found.true, found.false, found.disputed) == (5, 2, 1, 1)
    assert found.value == pytest.approx(2 / 3)
    assert [one.name for one in precisions(judged, lambda one: one.indicator, 0.9)] == ["a"]
    assert precision_of("", [JudgedSignal("WE1", "a")], 0.95).interval is None


@pytest.mark.parametrize(
    ("windows", "arl0", "alarms", "true", "state"),
    [
        (370, 370.0, 1, 0, MonitorState.AS_REQUESTED),
        (370, 370.0, 9, 0, MonitorState.TOO_MANY),
        (370, 370.0, 9, 8, MonitorState.AS_REQUESTED),
        (10_000, 370.0, 3, 0, MonitorState.TOO_FEW),
        (0, 370.0, 0, 0, MonitorState.UNKNOWN),
    ],
)
def test_a_monitor_alarms_as_often_as_requested_or_not(windows, arl0, alarms, true, state):
    found = realised(windows, arl0, alarms, true, 0.95)
    assert found.state is state
    if windows and alarms - true:
        x = alarms - true
        assert found.lower == pytest.approx(chi2.ppf(0.025, 2 * x) / 2)
        assert found.upper == pytest.approx(chi2.ppf(0.975, 2 * x + 2) / 2)
