"""Run rules fire where their definitions say, and nowhere else."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from andon_quality.control import xbar_s, xmr
from andon_quality.control.chart import StatisticKind
from andon_quality.errors import OutOfRange
from andon_quality.rules import (
    BEYOND_LIMITS,
    NELSON,
    WESTERN_ELECTRIC,
    Pattern,
    Rule,
    advance,
    applicable,
    fire,
    judge,
    start,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

ALL = tuple({rule.name: rule for rule in WESTERN_ELECTRIC + NELSON}.values())
NAN = math.nan


def fired(name: str, points: list[float], width: float = 3.0) -> list[int]:
    """Points (counted from 1) at which the rule fires on a chart with centre 0 and sigma 1."""
    rule = next(rule for rule in ALL if rule.name == name)
    return (np.flatnonzero(fire((rule,), points, 0.0, 1.0, width)[name]) + 1).tolist()


@pytest.mark.parametrize(
    ("name", "points", "expected"),
    [
        ("beyond_limits", [0, 3, 3.1, -3.1, -3], [3, 4]),
        ("2_of_3_beyond_2_sigma", [2.1, 0, 2.1, 0, 0, 2.1, 2.1], [3, 7]),
        ("2_of_3_beyond_2_sigma", [2.1, -2.1, 0, 2.0, 2.1], []),
        ("2_of_3_beyond_2_sigma", [-2.1, -2.2, -2.3], [2, 3]),
        ("4_of_5_beyond_1_sigma", [1.1, 1.1, 0, 1.1, 1.1, 1.1, 0, 0], [5, 6]),
        ("4_of_5_beyond_1_sigma", [1.1, 1.1, -1.1, 1.1, 0.9, 1.1, 1.1], []),
        ("8_on_one_side", [0.1] * 7 + [-0.1] * 8 + [-0.1], [15, 16]),
        ("8_on_one_side", [0.1] * 7 + [0.0] + [0.1] * 7, []),
        ("9_on_one_side", [0.1] * 10, [9, 10]),
        ("6_in_a_trend", [0, 1, 2, 3, 4, 5, 6], [6, 7]),
        ("6_in_a_trend", [0, 1, 2, 3, 4, 4, 5], []),
        ("6_in_a_trend", [5, 4, 3, 2, 1, 0, 1], [6]),
        ("14_alternating", [0, 1] * 7 + [0], [14, 15]),
        ("14_alternating", [0, 1] * 6 + [0, 0], []),
        ("15_within_1_sigma", [0.9, -0.9] * 8, [15, 16]),
        ("15_within_1_sigma", [0.9] * 14 + [1.0], []),
        ("8_outside_1_sigma", [1.1, -1.1] * 4, [8]),
        ("8_outside_1_sigma", [1.1] * 8 + [-1.1], [9]),
        ("8_outside_1_sigma", [1.1, -1.1] * 3 + [1.0, 1.1, 1.1], []),
    ],
)
def test_a_rule_fires_at_the_point_that_completes_it(name: str, points: list[float], expected: list[int]) -> None:
    assert fired(name, points) == expected


def test_whole_windows_wait_for_all_their_points() -> None:
    above = [2.5] * 6
    early = fire(WESTERN_ELECTRIC, above, 0.0, 1.0)
    late = fire(WESTERN_ELECTRIC, above, 0.0, 1.0, whole_windows=True)
    assert np.flatnonzero(early["2_of_3_beyond_2_sigma"]).tolist() == [1, 2, 3, 4, 5]
    assert np.flatnonzero(late["2_of_3_beyond_2_sigma"]).tolist() == [2, 3, 4, 5]
    assert np.flatnonzero(late["4_of_5_beyond_1_sigma"]).tolist() == [4, 5]
    broken = fire(WESTERN_ELECTRIC, [2.5, 0.0, NAN, 2.5, 2.5, 2.5], 0.0, 1.0, whole_windows=True)
    assert np.flatnonzero(broken["2_of_3_beyond_2_sigma"]).tolist() == [5]


def test_the_published_sets_have_four_and_eight_rules() -> None:
    assert len(WESTERN_ELECTRIC) == 4
    assert len(NELSON) == 8
    assert len({rule.name for rule in NELSON}) == 8


def test_a_missing_point_ends_every_run() -> None:
    assert fired("2_of_3_beyond_2_sigma", [2.1, NAN, 2.1, 2.1]) == [4]
    assert fired("8_on_one_side", [0.1] * 7 + [NAN] + [0.1] * 8) == [16]
    assert fired("6_in_a_trend", [0, 1, 2, NAN, 3, 4, 5]) == []
    assert fired("14_alternating", [0, 1] * 6 + [NAN] + [0, 1] * 7) == [27]


def test_zones_scale_with_the_width_of_the_limits() -> None:
    assert fired("beyond_limits", [3.1, 3.5], width=3.3) == [2]
    assert fired("2_of_3_beyond_2_sigma", [2.1, 2.1, 2.3, 2.3], width=3.3) == [4]


def test_zones_follow_a_sigma_that_varies_from_point_to_point() -> None:
    hits = fire((BEYOND_LIMITS,), [4.0, 4.0], 0.0, [1.0, 2.0])
    assert hits["beyond_limits"].tolist() == [True, False]


@pytest.mark.parametrize(
    "kind",
    [
        StatisticKind.RANGE,
        StatisticKind.STANDARD_DEVIATION,
        StatisticKind.MOVING_RANGE,
        StatisticKind.EWMA,
        StatisticKind.CUSUM,
        StatisticKind.T2,
        StatisticKind.MEWMA,
    ],
)
def test_zone_rules_are_refused_where_they_do_not_apply(kind: StatisticKind) -> None:
    with pytest.raises(OutOfRange, match="cannot run"):
        fire(WESTERN_ELECTRIC, [1.0, 2.0], 0.0, 1.0, kind=kind)
    assert applicable(NELSON, kind) == (BEYOND_LIMITS,)


def test_judging_a_chart_runs_only_the_rules_that_apply() -> None:
    values = np.random.default_rng(1).normal(size=30)
    frozen = xmr.baseline(values)
    assert set(judge(NELSON, xmr.chart(frozen, values))) == {rule.name for rule in NELSON}
    assert set(judge(NELSON, xmr.range_chart(frozen, values))) == {"beyond_limits"}


def test_judging_uses_the_limits_of_the_chart_itself() -> None:
    frozen = xbar_s.baseline([10.0, 12.0], [1.0, 1.0], 5)
    spread = xbar_s.sd_chart(frozen, [1.0, 2.5], 5)
    assert judge(WESTERN_ELECTRIC, spread)["beyond_limits"].tolist() == [False, True]


def test_a_rule_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(OutOfRange):
        Rule("3 of 2", 3, 2, 1.0, Pattern.BEYOND)
    with pytest.raises(OutOfRange):
        Rule("loose trend", 5, 6, 0.0, Pattern.TREND)
    with pytest.raises(OutOfRange):
        Rule("loose run", 7, 8, 1.0, Pattern.OUTSIDE)
    with pytest.raises(OutOfRange):
        fire(WESTERN_ELECTRIC, [1.0], 0.0, 0.0)
    with pytest.raises(OutOfRange):
        fire(WESTERN_ELECTRIC, [1.0], 0.0, 1.0, width=0.0)


def by_definition(rule: Rule, x: list[float], t: int) -> bool:
    """The rule at point t, read off the definition: look at the window, restart after a missing point."""
    since = max((i + 1 for i in range(t + 1) if math.isnan(x[i])), default=0)
    window = x[max(since, t - rule.n + 1) : t + 1]
    steps = [b - a for a, b in pairwise(window)]
    if not window:
        return False
    match rule.pattern:
        case Pattern.BEYOND:
            up = [v > rule.zone_sigma for v in window]
            down = [v < -rule.zone_sigma for v in window]
            return any(side[-1] and sum(side) >= rule.k for side in (up, down))
        case Pattern.OUTSIDE:
            is_run = len(window) == rule.n and all(abs(v) > rule.zone_sigma for v in window)
            return is_run and min(window) < 0 < max(window)
        case Pattern.WITHIN:
            return len(window) == rule.n and all(abs(v) < rule.zone_sigma for v in window)
        case Pattern.TREND:
            return len(window) == rule.n and (all(s > 0 for s in steps) or all(s < 0 for s in steps))
        case Pattern.ALTERNATING:
            turns = [a * b < 0 for a, b in pairwise(steps)]
            return len(window) == rule.n and all(turns)


level = st.one_of(st.sampled_from([-1.5, -0.5, 0.0, 0.5, 1.5, 2.5, -2.5, 3.5, NAN]), st.floats(-4, 4))
drift = st.lists(st.sampled_from([0.3, 0.6, 0.9, -0.3, 1.2, 1.3, 1.4, 1.7]), min_size=10, max_size=40)


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.lists(level, min_size=1, max_size=40), drift, drift.map(sorted)))
def test_every_rule_agrees_with_its_definition(x: list[float]) -> None:
    hits = fire(ALL, x, 0.0, 1.0)
    for rule in ALL:
        assert hits[rule.name].tolist() == [by_definition(rule, x, t) for t in range(len(x))], rule.name


@settings(deadline=None, max_examples=60)
@given(st.lists(level, min_size=2, max_size=40), st.data())
def test_streamed_rules_equal_batch_rules_in_any_split(x: list[float], data: st.DataObject) -> None:
    whole = fire(ALL, x, 0.1, 0.9, width=3.2)
    cut = data.draw(st.integers(0, len(x)))
    state, first = advance(ALL, start(ALL), x[:cut], 0.1, 0.9, 3.2) if cut else (start(ALL), None)
    parts: list[dict[str, NDArray[np.bool_]]] = [first] if first else []
    for value in x[cut:]:
        state, hit = advance(ALL, state, [value], 0.1, 0.9, 3.2)
        parts.append(hit)
    for name, hits in whole.items():
        assert np.concatenate([part[name] for part in parts]).tolist() == hits.tolist()


def test_many_series_at_once_equal_each_alone() -> None:
    x = np.random.default_rng(5).normal(scale=1.5, size=(7, 50))
    together = fire(ALL, x, 0.0, 1.0)
    for row in range(7):
        alone = fire(ALL, x[row], 0.0, 1.0)
        assert all((together[name][row] == alone[name]).all() for name in together)
