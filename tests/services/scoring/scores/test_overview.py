"""Variation and assurance from the latest windows, without a service."""

from __future__ import annotations

import numpy as np
import pytest

from services.scoring.scores.overview import Assurance, ProcessLimits, Variation, assurance_of, summary_of
from services.scoring.scores.results import Score, ScoreState
from services.scoring.system.model import Aggregate, Direction, Indicator, Target
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import WindowId

LOWER, HIGHER, NEAR = Direction.LOWER_IS_BETTER, Direction.HIGHER_IS_BETTER, Direction.TARGET_IS_BETTER


def scores(values, counts=None, totals=None):
    made = []
    for place, value in enumerate(values):
        made.append(
            Score(
                SeriesKey("p/s/i@day"),
                WindowId(place, place + 1),
                float(value),
                int(counts[place]) if counts is not None else 9,
                ScoreState.MET,
                None,
                None,
                None,
                True,
                1,
                int(totals[place]) if totals is not None else 0,
                0,
            )
        )
    return made


def indicator(direction=LOWER, target=None, aggregate=Aggregate.MEAN):
    return Indicator("i", "m", aggregate, direction=direction, target=target)


STEADY = np.random.default_rng(3).normal(10.0, 1.0, 40)


@pytest.mark.parametrize(
    ("last", "direction", "expected"),
    [
        (10.0, LOWER, Variation.COMMON_CAUSE),
        (20.0, LOWER, Variation.WORSENING),
        (20.0, HIGHER, Variation.IMPROVING),
        (20.0, Direction.UNSPECIFIED, Variation.SHIFTED),
    ],
)
def test_a_far_point_is_a_change_for_the_better_or_worse(last, direction, expected):
    assert summary_of(scores([*STEADY, last]), [], indicator(direction)).variation is expected


def test_eight_on_one_side_are_a_change_and_few_points_are_none():
    assert summary_of(scores([*STEADY, *[8.9] * 8]), [], indicator(LOWER)).variation is Variation.IMPROVING
    assert summary_of(scores(STEADY[:11]), [], indicator(LOWER)).variation is Variation.UNKNOWN


def test_windows_that_are_all_alike_vary_by_nothing():
    found = summary_of(scores([5.0] * 20), [], indicator(LOWER, Target(5.0)))
    assert (found.variation, found.assurance) == (Variation.COMMON_CAUSE, Assurance.MET)


def test_limits_of_a_share_follow_its_cases_and_stay_within_0_and_1():
    counts = np.full(30, 20)
    hits = np.random.default_rng(5).binomial(20, 0.05, 30)
    limits = summary_of(scores(hits / counts, counts, hits), [], indicator(LOWER, aggregate=Aggregate.SHARE)).limits
    p = hits.sum() / counts.sum()
    assert limits.lower == 0.0
    assert limits.upper == pytest.approx(p + 3 * np.sqrt(p * (1 - p) / 20))


@pytest.mark.parametrize(
    ("direction", "target", "expected"),
    [
        (LOWER, Target(13.0), Assurance.MET),
        (LOWER, Target(6.0), Assurance.MISSED),
        (LOWER, Target(10.0), Assurance.HIT_OR_MISS),
        (HIGHER, Target(6.0), Assurance.MET),
        (HIGHER, Target(14.0), Assurance.MISSED),
        (NEAR, Target(10.0, lower=6.0, upper=14.0), Assurance.MET),
        (NEAR, Target(20.0, lower=16.0, upper=24.0), Assurance.MISSED),
        (NEAR, Target(10.0), Assurance.HIT_OR_MISS),
        (LOWER, None, Assurance.UNKNOWN),
    ],
)
def test_a_target_is_sure_only_where_all_that_chance_does_reaches_it(direction, target, expected):
    assert assurance_of(ProcessLimits(10.0, 7.0, 13.0), direction, target) is expected
