"""The proof of an action."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.improvement.model import DAY_US, Family, Problem, ProblemName, Text, Verdict
from services.improvement.proof import NotEnoughWindows, Reading, verify


def readings(first_day: int, shares: list[float], cases: int = 200) -> list[Reading]:
    made = []
    for day, share in enumerate(shares, start=first_day):
        total = round(share * cases)
        made.append(Reading(day * DAY_US, (day + 1) * DAY_US, total / cases, cases, total, total))
    return made


def case(action, after_days: int = 10, start: int = 40):
    problem = Problem(ProblemName("problems/p"), Family("desk", "main", "rework"), Text(), start_us=30 * DAY_US)
    acted = replace(action, started_us=start * DAY_US, done_us=(start + 1) * DAY_US)
    return problem, acted, after_days


def test_a_share_that_fell_is_improved_and_the_interval_excludes_zero(action):
    problem, acted, _ = case(action)
    proof = verify(problem, acted, readings(30, [0.4] * 10 + [0.3] + [0.1] * 10), True, 0)
    assert proof.verdict is Verdict.IMPROVED
    assert proof.upper < 0
    assert (proof.before_windows, proof.after_windows) == (10, 10)


def test_a_share_that_rose_is_worse(action):
    problem, acted, _ = case(action)
    assert verify(problem, acted, readings(30, [0.1] * 11 + [0.4] * 10), True, 0).verdict is Verdict.WORSE


def test_noise_around_the_same_level_is_never_called_an_improvement(action):
    problem, acted, _ = case(action)
    dice = np.random.default_rng(3)
    shares = list(dice.binomial(200, 0.2, 21) / 200)
    proof = verify(problem, acted, readings(30, shares), True, 0)
    assert proof.verdict in (Verdict.NO_CHANGE, Verdict.UNDECIDED)


def test_too_few_windows_after_the_action_are_no_proof(action):
    problem, acted, _ = case(action)
    with pytest.raises(NotEnoughWindows):
        verify(problem, acted, readings(30, [0.4] * 11 + [0.1] * 7), True, 0)


def test_before_is_the_faulty_time_unless_the_goal_says_how_far_back(action):
    problem, acted, _ = case(action)
    everything = readings(0, [0.1] * 30 + [0.4] * 11 + [0.1] * 10)
    assert verify(problem, acted, everything, True, 0).before_mean == pytest.approx(0.4)
    far = replace(acted, goal=replace(acted.goal, before_us=40 * DAY_US))
    assert verify(problem, far, everything, True, 0).before_windows == 40


def test_values_that_are_no_shares_are_compared_by_their_means(action):
    problem, acted, _ = case(action)
    hours = [5.0 + 0.1 * (day % 3) for day in range(11)] + [3.0 + 0.1 * (day % 3) for day in range(10)]
    rows = [
        Reading((30 + d) * DAY_US, (31 + d) * DAY_US, h, 50, int(h * 50), int(h * h * 50)) for d, h in enumerate(hours)
    ]
    proof = verify(problem, acted, rows, True, 0)
    assert proof.verdict is Verdict.IMPROVED
    assert proof.effect == pytest.approx(-2.0, abs=0.1)
