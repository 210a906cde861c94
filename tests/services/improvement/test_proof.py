"""The proof of an action."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.improvement.history import NotEnoughWindows, learn
from services.improvement.model import DAY_US, Outlook, ProofPlan, Reading, Verdict
from services.improvement.plan import plan_proof
from services.improvement.proof import history_begin_us, judge, verify
from services.improvement.window_kinds import HISTORY_WINDOWS_MAX

NOW = 10**15
FAULT, START, DONE = 60, 72, 73


@pytest.fixture
def acted(problem, action):
    """The problem opened on day 60; the action ran on day 72."""
    plan = plan_proof(problem(FAULT, 61, 65), action.goal, START * DAY_US, START * DAY_US)
    return replace(action, started_us=START * DAY_US, done_us=DONE * DAY_US, plan=plan)


def days(clean: float, faulty: float, after: float, after_days: int = 12, seed: int = 3) -> list[float]:
    """Shares of 200 cases: as they were, as they are while it lasts, and as they became."""
    dice = np.random.default_rng(seed)
    level = [clean] * FAULT + [faulty] * (DONE - FAULT) + [after] * after_days
    return list(dice.binomial(200, level) / 200)


def test_a_share_that_fell_is_improved_and_the_interval_excludes_zero(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.1)), NOW)
    assert proof.verdict is Verdict.IMPROVED
    assert proof.upper < 0
    assert proof.p_value < 0.05
    assert (proof.before_windows, proof.after_windows, proof.spread_windows) == (11, 12, 60)
    assert proof.effect == pytest.approx(-0.3, abs=0.03)
    assert proof.after_mean - proof.before_mean == pytest.approx(proof.effect)


def test_a_share_that_rose_is_worse(acted, shares):
    assert verify(acted, shares(days(0.1, 0.2, 0.5)), NOW).verdict is Verdict.WORSE


@pytest.mark.parametrize("seed", range(20))
def test_noise_around_the_same_level_is_never_called_an_improvement(acted, shares, seed):
    proof = verify(acted, shares(days(0.2, 0.2, 0.2, seed=seed)), NOW)
    assert proof.verdict in (Verdict.NO_CHANGE, Verdict.UNDECIDED)


def test_no_change_is_said_once_the_interval_lies_within_half_of_what_was_expected(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.4, after_days=40)), NOW)
    assert proof.verdict is Verdict.NO_CHANGE
    assert -0.1 <= proof.lower <= proof.upper <= 0.1


def test_where_higher_is_better_the_goal_says_so(acted, shares):
    rising = replace(acted, goal=replace(acted.goal, expected_effect=0.2))
    assert verify(rising, shares(days(0.9, 0.5, 0.9)), NOW).verdict is Verdict.IMPROVED
    assert verify(rising, shares(days(0.9, 0.8, 0.4)), NOW).verdict is Verdict.WORSE


def test_a_chance_peak_that_opened_a_problem_does_not_make_an_idle_action_look_good(acted, shares):
    values = days(0.2, 0.2, 0.2)
    values[FAULT] = 0.9
    proof = verify(acted, shares(values), NOW)
    assert proof.before_mean == pytest.approx(0.2, abs=0.03)
    assert proof.verdict is not Verdict.IMPROVED


def test_too_few_windows_after_the_action_are_no_proof(acted, shares):
    with pytest.raises(NotEnoughWindows, match="7 complete windows after the action, 8 are needed"):
        verify(acted, shares(days(0.1, 0.4, 0.1, after_days=7)), NOW)


def test_too_few_windows_before_the_action_are_no_proof(problem, acted, shares):
    hasty = replace(acted, plan=plan_proof(problem(69), acted.goal, START * DAY_US, 0))
    with pytest.raises(NotEnoughWindows, match="2 windows before the action, 4 are needed"):
        verify(hasty, shares(days(0.1, 0.4, 0.1)), NOW)


def test_an_action_that_never_began_has_no_proof(action, shares):
    with pytest.raises(NotEnoughWindows):
        verify(action, shares(days(0.1, 0.4, 0.1)), NOW)


def test_windows_between_start_and_end_of_the_action_count_for_neither_side(acted, shares):
    values = days(0.1, 0.4, 0.1)
    other = [*values[:START], 1.0, *values[DONE:]]
    assert verify(acted, shares(values), NOW) == verify(acted, shares(other), NOW)


def test_values_that_are_no_shares_are_compared_by_their_means(acted):
    dice = np.random.default_rng(5)
    hours = [*dice.normal(3.0, 0.4, FAULT), *dice.normal(5.0, 0.4, DONE - FAULT), *dice.normal(3.0, 0.4, 12)]
    proof = verify(replace(acted, goal=replace(acted.goal, expected_effect=-2.0)), means(hours), NOW)
    assert proof.verdict is Verdict.IMPROVED
    assert proof.effect == pytest.approx(-2.0, abs=0.5)


def means(values) -> list[Reading]:
    return [Reading(d * DAY_US, (d + 1) * DAY_US, float(v), 50, 7, 90) for d, v in enumerate(values)]


def test_values_without_any_spread_prove_nothing(acted):
    with pytest.raises(NotEnoughWindows, match="do not vary"):
        verify(acted, means([3.0] * FAULT + [5.0] * (DONE - FAULT) + [3.0] * 12), NOW)


def test_shares_without_any_spread_are_judged_by_what_their_counts_allow(acted, shares):
    proof = verify(acted, shares([0.1] * FAULT + [0.4] * (DONE - FAULT) + [0.1] * 12), NOW)
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
    proof = verify(early, shares(days(0.4, 0.4, 0.1)), NOW)
    assert proof.spread_windows == proof.before_windows == START - 4
    assert proof.verdict is Verdict.IMPROVED


def test_every_assumption_is_looked_at_and_what_fails_is_said_in_both_languages(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.1)), NOW)
    names = [check.name for check in proof.checks]
    assert names == ["baseline_size", "autocorrelation", "season", "stationarity", "spread", "preregistered"]
    assert all(check.passed for check in proof.checks)
    assert "All assumptions hold" in proof.statement.en
    assert "各项假设均成立" in proof.statement.zh
    late = replace(acted, plan=replace(acted.plan, fixed_us=NOW))
    doubted = verify(late, shares(days(0.1, 0.4, 0.1)), NOW)
    assert [check.name for check in doubted.checks if not check.passed] == ["preregistered"]
    assert "were already visible" in doubted.statement.en
    assert "窗口已可见" in doubted.statement.zh


def test_a_history_that_drifts_or_hangs_together_is_reported(acted):
    dice = np.random.default_rng(7)
    walk = np.cumsum(dice.normal(0, 1, FAULT))
    values = [*walk, *(walk[-1] + dice.normal(0, 1, DONE - FAULT)), *(walk[-1] + dice.normal(0, 1, 12))]
    checks = {check.name: check for check in verify(acted, means(values), NOW).checks}
    assert not checks["autocorrelation"].passed
    stepped = [*dice.normal(0, 1, 30), *dice.normal(3, 1, DONE - 30), *dice.normal(3, 1, 12)]
    assert abs({check.name: check for check in verify(acted, means(stepped), NOW).checks}["stationarity"].value) > 1


def test_nothing_is_decided_where_an_assumption_that_the_verdict_needs_does_not_hold(acted):
    dice = np.random.default_rng(7)
    fell = [*dice.normal(0, 1, FAULT), *dice.normal(9, 1, DONE - FAULT), *dice.normal(-9, 6, 20)]
    proof = verify(acted, means(fell), NOW)
    assert proof.upper < 0
    assert [check.name for check in proof.doubts] == ["spread"]
    assert (proof.verdict, proof.outlook) == (Verdict.UNDECIDED, None)
    assert "does not hold (spread)" in proof.statement.en
    assert "（spread）" in proof.statement.zh


def test_what_only_makes_an_interval_wider_leaves_the_verdict(acted, shares):
    late = replace(acted, plan=replace(acted.plan, fixed_us=NOW))
    proof = verify(late, shares(days(0.1, 0.4, 0.1)), NOW)
    assert not all(check.passed for check in proof.checks)
    assert proof.verdict is Verdict.IMPROVED


def test_windows_that_vary_far_more_afterwards_are_reported(acted):
    dice = np.random.default_rng(7)
    values = [*dice.normal(0, 1, DONE), *dice.normal(0, 5, 20)]
    assert not {check.name: check for check in verify(acted, means(values), NOW).checks}["spread"].passed


@pytest.mark.parametrize(("after", "english", "chinese"), [(0.1, "Improved", "已改善"), (0.7, "Worse", "变差")])
def test_the_verdict_is_said_with_its_figures_and_windows(acted, shares, after, english, chinese):
    proof = verify(acted, shares(days(0.1, 0.4, after)), NOW)
    assert proof.statement.en.startswith(f"{english}: ")
    assert proof.statement.zh.startswith(f"{chinese}：")
    for part in (f"{proof.effect:+.4g}", f"{proof.upper:+.4g}", "12", "11", "60", "1970-03-15"):
        assert part in proof.statement.en
        assert part in proof.statement.zh


def test_an_undecided_verdict_says_when_to_ask_again(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.33), cases=20), NOW)
    assert proof.verdict is Verdict.UNDECIDED
    assert "Verify again" in proof.statement.en
    assert "再次验证" in proof.statement.zh


def test_an_undecided_verdict_says_how_many_windows_are_missing_and_these_decide_it(acted, shares):
    """The seasonally adjusted effect of twelve days stays for as many windows as are missing, and not one less."""
    readings = shares(days(0.1, 0.4, 0.29), cases=20)
    proof = verify(acted, readings, NOW)
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
    assert verify(acted, shares(days(0.1, 0.4, 0.1)), NOW).outlook is None


def test_an_effect_that_the_horizon_cannot_decide_has_an_outlook_without_a_verdict(acted, shares):
    short = replace(acted, goal=replace(acted.goal, horizon_windows=14))
    outlook = verify(short, shares(days(0.1, 0.4, 0.33), cases=20), NOW).outlook
    assert outlook == Outlook(2, None)
