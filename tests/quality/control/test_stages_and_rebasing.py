"""Limits change only at a named stage, or by a proposal with a cause."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from andon_quality.control import xmr
from andon_quality.control.chart import StatisticKind, limits
from andon_quality.control.rebase import propose, shift_start
from andon_quality.control.stages import Stage, judged, split, staged
from andon_quality.errors import Inconsistent, OutOfRange
from andon_quality.rules import WESTERN_ELECTRIC

RNG = np.random.default_rng(12)
BEFORE, AFTER = RNG.normal(10, 1, size=60), RNG.normal(13, 1, size=40)
FROZEN = xmr.baseline(BEFORE)


def test_each_stage_has_the_limits_of_its_own_points() -> None:
    x = np.concatenate((BEFORE, AFTER))
    chart = staged(
        [Stage(0, "as found"), Stage(60, "second desk")], 100, lambda part: xmr.chart(xmr.baseline(x[part]), x[part])
    )
    assert chart.centre[59] == pytest.approx(BEFORE.mean())
    assert chart.centre[60] == pytest.approx(AFTER.mean())
    assert chart.statistic.tolist() == x.tolist()


def test_no_run_crosses_from_one_stage_into_the_next() -> None:
    chart = limits(StatisticKind.INDIVIDUALS, np.full(20, 0.5), 0.0, 1.0, 3.0)
    whole = judged(WESTERN_ELECTRIC, [Stage(0, "as found")], chart)
    parts = judged(WESTERN_ELECTRIC, [Stage(0, "as found"), Stage(10, "second desk")], chart)
    assert np.flatnonzero(whole["8_on_one_side"]).tolist() == list(range(7, 20))
    assert np.flatnonzero(parts["8_on_one_side"]).tolist() == [7, 8, 9, 17, 18, 19]


def test_a_stage_without_a_cause_or_out_of_order_is_refused() -> None:
    with pytest.raises(Inconsistent, match="cause"):
        split([Stage(0, "as found"), Stage(5, " ")], 10)
    for firsts in ([1, 5], [0, 5, 5], [0, 10]):
        with pytest.raises(OutOfRange):
            split([Stage(first, "why") for first in firsts], 10)


def test_a_lasting_change_with_a_cause_is_a_sound_proposal_that_changes_nothing() -> None:
    offer = propose(FROZEN, AFTER, 0, "second desk opened")
    assert offer.is_sound
    assert offer.shift_sigma == pytest.approx(3.0, abs=0.6)
    assert offer.p_value < 1e-6
    assert offer.old is FROZEN
    with pytest.raises(FrozenInstanceError):
        FROZEN.centre = offer.new.centre  # type: ignore[misc]


def test_limits_are_never_moved_without_a_cause() -> None:
    with pytest.raises(Inconsistent, match="cause"):
        propose(FROZEN, AFTER, 0, "  ")


def test_a_change_too_young_is_objected_to() -> None:
    assert any("only 8 points" in why for why in propose(FROZEN, AFTER[:8], 0, "second desk opened").objections)


def test_no_change_at_all_is_objected_to() -> None:
    same = np.random.default_rng(3).normal(10, 1, size=40)
    assert any("beyond common-cause variation" in why for why in propose(FROZEN, same, 0, "a wish").objections)


def test_a_level_that_does_not_hold_is_objected_to() -> None:
    drifting = 13 + np.linspace(0, 6, 40) + 0.3 * RNG.normal(size=40)
    assert any("not in control" in why for why in propose(FROZEN, drifting, 0, "second desk opened").objections)


def test_the_chance_of_a_false_proposal_is_about_what_alpha_says() -> None:
    rng = np.random.default_rng(21)
    pairs = [(xmr.baseline(rng.normal(size=60)), rng.normal(size=30)) for _ in range(400)]
    offers = [propose(old, later, 0, "none", alpha=0.05) for old, later in pairs]
    share = np.mean([not any("beyond common-cause variation" in why for why in offer.objections) for offer in offers])
    # Level and spread are two tests, each at alpha.
    assert share < 0.14


def test_the_start_of_a_shift_is_found_within_a_point_or_two() -> None:
    starts = []
    for seed in range(50):
        x = np.random.default_rng(seed).normal(10, 1, size=60)
        x[35:] += 2.5
        starts.append(shift_start(FROZEN, x))
    assert np.mean(np.abs(np.array(starts) - 35) <= 2) > 0.9


def test_missing_points_do_not_hide_the_start_of_a_shift() -> None:
    x = np.array([10.0, 10.2, np.nan, 9.9, 14.0, np.nan, 14.2, 13.9])
    assert shift_start(FROZEN, x) == 4
