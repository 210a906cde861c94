"""The proof of an action."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.improvement.history import NotEnoughWindows, learn
from services.improvement.model import DAY_US, Outlook, ProofPlan, SeriesScale, Verdict
from services.improvement.plan import plan_proof
from services.improvement.proof import history_begin_us, judge, verify
from services.improvement.window_kinds import HISTORY_WINDOWS_MAX
from tests.services.improvement.incident import DONE, FAULT, NOW, START, days, means


def test_a_share_that_fell_is_improved_and_the_interval_excludes_zero(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.1)), SeriesScale(), NOW)
    assert proof.verdict is Verdict.IMPROVED
    assert proof.upper < 0
    assert proof.p_value < 0.05
    assert (proof.before_windows, proof.after_windows, proof.spread_windows) == (11, 12, 60)
    assert proof.effect == pytest.approx(-0.3, abs=0.03)
    assert proof.after_mean - proof.before_mean == pytest.approx(proof.effect)


def test_a_share_that_rose_is_worse(acted, shares):
    assert verify(acted, shares(days(0.1, 0.2, 0.5)), SeriesScale(), NOW).verdict is Verdict.WORSE


@pytest.mark.parametrize("seed", range(20))
def test_noise_around_the_same_level_is_never_called_an_improvement(acted, shares, seed):
    proof = verify(acted, shares(days(0.2, 0.2, 0.2, seed=seed)), SeriesScale(), NOW)
    assert proof.verdict in (Verdict.NO_CHANGE, Verdict.UNDECIDED)


def test_no_change_is_said_once_the_interval_lies_within_half_of_what_was_expected(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.4, after_days=40)), SeriesScale(), NOW)
    assert proof.verdict is Verdict.NO_CHANGE
    assert -0.1 <= proof.lower <= proof.upper <= 0.1


def test_where_higher_is_better_the_goal_says_so(acted, shares):
    rising = replace(acted, goal=replace(acted.goal, expected_effect=0.2))
    assert verify(rising, shares(days(0.9, 0.5, 0.9)), SeriesScale(), NOW).verdict is Verdict.IMPROVED
    assert verify(rising, shares(days(0.9, 0.8, 0.4)), SeriesScale(), NOW).verdict is Verdict.WORSE


def test_a_chance_peak_that_opened_a_problem_does_not_make_an_idle_action_look_good(acted, shares):
    values = days(0.2, 0.2, 0.2)
    values[FAULT] = 0.9
    proof = verify(acted, shares(values), SeriesScale(), NOW)
    assert proof.before_mean == pytest.approx(0.2, abs=0.03)
    assert proof.verdict is not Verdict.IMPROVED


def test_too_few_windows_after_the_action_are_no_proof(acted, shares):
    with pytest.raises(NotEnoughWindows, match="7 complete windows after the action, 8 are needed"):
        verify(acted, shares(days(0.1, 0.4, 0.1, after_days=7)), SeriesScale(), NOW)


def test_too_few_windows_before_the_action_are_no_proof(problem, acted, shares):
    hasty = replace(acted, plan=plan_proof(problem(69), acted.goal, START * DAY_US, 0))
    with pytest.raises(NotEnoughWindows, match="2 windows before the action, 4 are needed"):
        verify(hasty, shares(days(0.1, 0.4, 0.1)), SeriesScale(), NOW)


def test_an_action_that_never_began_has_no_proof(action, shares):
    with pytest.raises(NotEnoughWindows):
        verify(action, shares(days(0.1, 0.4, 0.1)), SeriesScale(), NOW)


def test_windows_between_start_and_end_of_the_action_count_for_neither_side(acted, shares):
    values = days(0.1, 0.4, 0.1)
    other = [*values[:START], 1.0, *values[DONE:]]
    assert verify(acted, shares(values), SeriesScale(), NOW) == verify(acted, shares(other), SeriesScale(), NOW)


def test_values_that_are_no_shares_are_compared_by_their_means(acted):
    dice = np.random.default_rng(5)
    hours = [*dice.normal(3.0, 0.4, FAULT), *dice.normal(5.0, 0.4, DONE - FAULT), *dice.normal(3.0, 0.4, 12)]
    proof = verify(replace(acted, goal=replace(acted.goal, expected_effect=-2.0)), means(hours), SeriesScale(), NOW)
    assert proof.verdict is Verdict.IMPROVED
    assert proof.effect == pytest.approx(-2.0, abs=0.5)


def test_values_without_any_spread_prove_nothing(acted):
    with pytest.raises(NotEnoughWindows, match="do not vary"):
        verify(acted, means([3.0] * FAULT + [5.0] * (DONE - FAULT) + [3.0] * 12), SeriesScale(), NOW)


def test_shares_without_any_spread_are_judged_by_what_their_counts_allow(acted, shares):
    proof = verify(acted, shares([0.1] * FAULT + [0.4] * (DONE - FAULT) + [0.1] * 12), SeriesScale(), NOW)
    assert proof.verdict is Verdict.IMPROVED
    assert proof.upper - proof.lower > 0.02


def test_an_interval_is_wider_where_the_level_makes_windows_vary_more(acted, shares):
    plan = acted.plan
    same = learn(plan, "day", shares(days(0.1, 0.1, 0.1)))
    higher = learn(plan, "day", shares(days(0.1, 0.5, 0.5)))
    assert higher.baseline.scale == pytest.approx(25 / 9, rel=0.2)
    assert higher.baseline.variance > 1.8 * same.baseline.variance


def test_the_history_is_bounded_and_begins_with_what_the_plan_needs(acted, shares):
    begin_us = history_begin_us(acted)
    assert begin_us == (FAULT - HISTORY_WINDOWS_MAX["day"]) * DAY_US
    far = ProofPlan(((0, START * DAY_US),), FAULT * DAY_US, 0)
    assert len(learn(far, "day", shares([0.1, 0.2] * 40)).before) == START


def test_without_a_clean_history_the_windows_of_before_tell_what_chance_is(problem, acted, shares):
    early = replace(acted, plan=plan_proof(problem(3), acted.goal, START * DAY_US, 0))
    proof = verify(early, shares(days(0.4, 0.4, 0.1)), SeriesScale(), NOW)
    assert proof.spread_windows == proof.before_windows == START - 4
    assert proof.verdict is Verdict.IMPROVED


def test_an_undecided_verdict_says_how_many_windows_are_missing_and_these_decide_it(acted, shares):
    """The seasonally adjusted effect of twelve days stays for as many windows as are missing, and not one less."""
    readings = shares(days(0.1, 0.4, 0.29), cases=20)
    proof = verify(acted, readings, SeriesScale(), NOW)
    assert proof.outlook is not None
    assert proof.outlook.verdict is Verdict.IMPROVED
    history, after = learn(acted.plan, "day", readings), readings[DONE:]
    offsets = history.season.offsets
    later = [
        replace(after[0], start_us=day * DAY_US, value=proof.after_mean + offsets[day % 7], squares=0)
        for day in range(DONE + 12, DONE + 12 + proof.outlook.windows)
    ]
    found = [judge(history, [*after, *later[:more]], acted.goal).verdict.value for more in range(len(later) + 1)]
    assert found == ["undecided"] * proof.outlook.windows + ["improved"]


def test_a_verdict_that_is_in_has_no_outlook(acted, shares):
    assert verify(acted, shares(days(0.1, 0.4, 0.1)), SeriesScale(), NOW).outlook is None


def test_an_effect_that_the_horizon_cannot_decide_has_an_outlook_without_a_verdict(acted, shares):
    short = replace(acted, goal=replace(acted.goal, horizon_windows=14))
    outlook = verify(short, shares(days(0.1, 0.4, 0.33), cases=20), SeriesScale(), NOW).outlook
    assert outlook == Outlook(2, None)
