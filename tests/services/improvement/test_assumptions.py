"""What a proof assumes, checked on the windows it rests on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.improvement.model import SeriesScale, Verdict
from services.improvement.proof import verify
from tests.services.improvement.incident import DONE, FAULT, NOW, days, means


def test_every_assumption_is_looked_at_and_what_fails_is_said_in_both_languages(acted, shares):
    proof = verify(acted, shares(days(0.1, 0.4, 0.1)), SeriesScale(), NOW)
    names = [check.name for check in proof.checks]
    assert names == ["baseline_size", "autocorrelation", "season", "stationarity", "spread", "preregistered"]
    assert all(check.passed for check in proof.checks)
    assert "All assumptions hold" in proof.statement.en
    assert "各项假设均成立" in proof.statement.zh
    late = replace(acted, plan=replace(acted.plan, fixed_us=NOW))
    doubted = verify(late, shares(days(0.1, 0.4, 0.1)), SeriesScale(), NOW)
    assert [check.name for check in doubted.checks if not check.passed] == ["preregistered"]
    assert "were already visible" in doubted.statement.en
    assert "窗口已可见" in doubted.statement.zh


def test_a_history_that_drifts_or_hangs_together_is_reported(acted):
    dice = np.random.default_rng(7)
    walk = np.cumsum(dice.normal(0, 1, FAULT))
    values = [*walk, *(walk[-1] + dice.normal(0, 1, DONE - FAULT)), *(walk[-1] + dice.normal(0, 1, 12))]
    checks = {check.name: check for check in verify(acted, means(values), SeriesScale(), NOW).checks}
    assert not checks["autocorrelation"].passed
    stepped = [*dice.normal(0, 1, 30), *dice.normal(3, 1, DONE - 30), *dice.normal(3, 1, 12)]
    assert (
        abs(
            {check.name: check for check in verify(acted, means(stepped), SeriesScale(), NOW).checks}[
                "stationarity"
            ].value
        )
        > 1
    )


def test_nothing_is_decided_where_an_assumption_that_the_verdict_needs_does_not_hold(acted):
    dice = np.random.default_rng(7)
    fell = [*dice.normal(0, 1, FAULT), *dice.normal(9, 1, DONE - FAULT), *dice.normal(-9, 6, 20)]
    proof = verify(acted, means(fell), SeriesScale(), NOW)
    assert proof.upper < 0
    assert [check.name for check in proof.doubts] == ["spread"]
    assert (proof.verdict, proof.outlook) == (Verdict.UNDECIDED, None)
    assert "does not hold (spread)" in proof.statement.en
    assert "（spread）" in proof.statement.zh


def test_what_only_makes_an_interval_wider_leaves_the_verdict(acted, shares):
    late = replace(acted, plan=replace(acted.plan, fixed_us=NOW))
    proof = verify(late, shares(days(0.1, 0.4, 0.1)), SeriesScale(), NOW)
    assert not all(check.passed for check in proof.checks)
    assert proof.verdict is Verdict.IMPROVED


def test_windows_that_vary_far_more_afterwards_are_reported(acted):
    dice = np.random.default_rng(7)
    values = [*dice.normal(0, 1, DONE), *dice.normal(0, 5, 20)]
    assert not {check.name: check for check in verify(acted, means(values), SeriesScale(), NOW).checks}["spread"].passed
