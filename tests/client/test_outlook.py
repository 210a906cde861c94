"""How much is missing from an undecided proof, against the boundary that the proof is judged by."""

from __future__ import annotations

import math

import pytest
from andon.improvement.v1 import problem_pb2
from andon_client.outlook import Decided, NotWithinPlan, outlook
from andon_quality.effect import Direction, sequential
from hypothesis import given, settings
from hypothesis import strategies as st


def goal_of(expected=-0.4, planned=60):
    return problem_pb2.Goal(expected_effect=expected, horizon_windows=planned)


def seen(effect, reach, before=10, after=8):
    return problem_pb2.Verification(
        effect=effect, lower=effect - reach, upper=effect + reach, before_windows=before, after_windows=after
    )


VERDICTS = {
    "improved": problem_pb2.VERDICT_IMPROVED,
    "worse": problem_pb2.VERDICT_WORSE,
    "no change": problem_pb2.VERDICT_NO_CHANGE,
}


@settings(deadline=None, max_examples=60)
@given(
    effect=st.floats(-2, 2),
    spread=st.floats(0.1, 5),
    before=st.integers(4, 100),
    after=st.integers(4, 40),
    planned=st.integers(8, 80),
    confidence=st.floats(0.6, 0.99),
    degrees=st.sampled_from([5.0, 30.0, math.inf]),
)
def test_the_windows_that_are_foretold_are_those_at_which_the_proof_decides(
    effect, spread, before, after, planned, confidence, degrees
):
    def judged(windows):
        error, end = (spread * math.sqrt(1 / many + 1 / before) for many in (windows, planned))
        return sequential(effect, error, end, Direction.LOWER, -0.4, confidence, degrees=degrees)

    now = judged(after)
    if now.verdict.value != "undecided" or after >= planned:
        return
    proof = seen(effect, (now.upper - now.lower) / 2, before, after)
    first = next((many for many in range(after + 1, planned + 1) if judged(many).verdict.value != "undecided"), None)
    wanted = (
        NotWithinPlan(planned - after)
        if first is None
        else Decided(first - after, VERDICTS[judged(first).verdict.value])
    )
    assert outlook(proof, goal_of(-0.4, planned)) == wanted


def test_a_change_that_goes_the_wrong_way_will_be_called_worse():
    ahead = outlook(seen(0.3, 0.31), goal_of())
    assert isinstance(ahead, Decided)
    assert ahead.verdict == problem_pb2.VERDICT_WORSE


def test_a_change_that_is_too_small_to_matter_will_be_called_none():
    ahead = outlook(seen(0.0, 0.25, before=100), goal_of())
    assert isinstance(ahead, Decided)
    assert ahead.verdict == problem_pb2.VERDICT_NO_CHANGE


def test_a_level_of_before_that_rests_on_few_windows_may_never_do():
    assert outlook(seen(-0.21, 2.0, before=4), goal_of()) == NotWithinPlan(52)


@pytest.mark.parametrize("after", [60, 61, 200])
def test_once_the_planned_windows_are_over_none_are_left(after):
    assert outlook(seen(-0.3, 0.31, after=after), goal_of()) == NotWithinPlan(0)
