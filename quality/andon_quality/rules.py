"""Run rules as data, and where on a chart each of them fires.

A missing point (NaN) ends every run: the points before it are forgotten by the rules, as if the chart started again.
Comparisons are strict: a point exactly on a zone line is inside it, one exactly on the centre is on neither side.
Source: Western Electric, Statistical Quality Control Handbook (1956); L. S. Nelson, The Shewhart control chart - tests
for special causes, Journal of Quality Technology 16 (1984) 237-239; C. W. Champ and W. H. Woodall, Exact results for
Shewhart control charts with supplementary runs rules, Technometrics 29 (1987) 393-399, for the "k of n" form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import BoolArray, FloatArray, IntArray
from andon_quality.control.chart import Chart, StatisticKind, points
from andon_quality.errors import Inconsistent, OutOfRange


class Pattern(StrEnum):
    """What the points of a rule have in common."""

    BEYOND = "beyond"  # further than zone_sigma from the centre, all on the same side
    OUTSIDE = "outside"  # further than zone_sigma from the centre, some on either side
    WITHIN = "within"  # nearer than zone_sigma to the centre
    TREND = "trend"  # each above the one before, or each below it
    ALTERNATING = "alternating"  # up and down in turn


@checked_fields
@dataclass(frozen=True)
class Rule:
    """Fires at a point that completes `k` of the last `n` points in `pattern`; zone_sigma counts at a width of 3.

    Only BEYOND may have k < n: it can fire before n points have been seen, as in Champ and Woodall, unless the caller
    asks for whole windows. The other patterns are runs of all their points. When the limits are wider or narrower than
    3 sigma the zones move with them: zone_sigma width / 3.
    """

    name: str
    k: int
    n: int
    zone_sigma: float
    pattern: Pattern

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n or self.zone_sigma < 0:
            raise OutOfRange(f"rule {self.name!r} needs 1 <= k <= n and zone_sigma >= 0")
        if self.k < self.n and self.pattern is not Pattern.BEYOND:
            raise OutOfRange(f"rule {self.name!r}: {self.pattern} is a run of all its points, so k must equal n")

    @property
    def is_limit(self) -> bool:
        """True for the one rule that only asks whether a single point lies beyond its limits."""
        return self.pattern is Pattern.BEYOND and self.n == 1 and self.zone_sigma == 3.0


BEYOND_LIMITS = Rule("beyond_limits", 1, 1, 3.0, Pattern.BEYOND)
TWO_OF_THREE = Rule("2_of_3_beyond_2_sigma", 2, 3, 2.0, Pattern.BEYOND)
FOUR_OF_FIVE = Rule("4_of_5_beyond_1_sigma", 4, 5, 1.0, Pattern.BEYOND)

WESTERN_ELECTRIC: tuple[Rule, ...] = (
    BEYOND_LIMITS,
    TWO_OF_THREE,
    FOUR_OF_FIVE,
    Rule("8_on_one_side", 8, 8, 0.0, Pattern.BEYOND),
)
NELSON: tuple[Rule, ...] = (
    BEYOND_LIMITS,
    Rule("9_on_one_side", 9, 9, 0.0, Pattern.BEYOND),
    Rule("6_in_a_trend", 6, 6, 0.0, Pattern.TREND),
    Rule("14_alternating", 14, 14, 0.0, Pattern.ALTERNATING),
    TWO_OF_THREE,
    FOUR_OF_FIVE,
    Rule("15_within_1_sigma", 15, 15, 1.0, Pattern.WITHIN),
    Rule("8_outside_1_sigma", 8, 8, 1.0, Pattern.OUTSIDE),
)

# The short names under which the two sets are known: WE1 is the first of Western Electric, N5 the fifth of Nelson.
NAMED: dict[str, Rule] = (
    {f"WE{at}": rule for at, rule in enumerate(WESTERN_ELECTRIC, 1)}
    | {f"N{at}": rule for at, rule in enumerate(NELSON, 1)}
    | {rule.name: rule for rule in (*WESTERN_ELECTRIC, *NELSON)}
)

# Up to so many points, stepping over time with all series side by side is the quicker way.
_SHORT = 64
# Points that are independent and have symmetric zones; everything else knows its limits only.
_ZONED = frozenset(
    {
        StatisticKind.INDIVIDUALS,
        StatisticKind.MEAN,
        StatisticKind.PROPORTION,
        StatisticKind.NUMBER,
        StatisticKind.COUNT,
        StatisticKind.RATE,
    },
)


@dataclass(frozen=True)
class RulesState:
    """The last points of each series that a rule may still need: at most 15, so O(1) in the length of the series."""

    statistic: FloatArray
    z: FloatArray


def named(rules: Iterable[str | Rule]) -> tuple[Rule, ...]:
    """The rules behind the names, each once; raises OutOfRange for one that is unknown.

    rules: `Rule` objects or names, "WE1" to "WE4" (Western Electric), "N1" to "N8" (Nelson), or a rule's own.

    >>> named(["WE2"])[0].name
    '2_of_3_beyond_2_sigma'
    """
    given = [rules] if isinstance(rules, str) else list(rules)
    unknown = [rule for rule in given if not isinstance(rule, Rule) and rule not in NAMED]
    if unknown:
        raise OutOfRange(f"unknown rules: {unknown}; known are {', '.join(NAMED)}")
    return tuple(dict.fromkeys(NAMED[rule] if isinstance(rule, str) else rule for rule in given))


@checked
def applicable(rules: Iterable[str | Rule], kind: StatisticKind) -> tuple[Rule, ...]:
    """The rules that may run on a chart of this kind.

    Zone and run rules assume independent points with symmetric zones. They do not apply to ranges and standard
    deviations (skewed), moving ranges, EWMA and CUSUM (neighbours share data) or T2; there only the limits speak.

    >>> [rule.name for rule in applicable(NELSON, StatisticKind.RANGE)]
    ['beyond_limits']
    """
    return tuple(rule for rule in named(rules) if kind in _ZONED or rule.is_limit)


@checked
def fire(
    rules: Iterable[str | Rule],
    statistic: ArrayLike,
    centre: ArrayLike,
    sigma: ArrayLike,
    width: float = 3.0,
    kind: StatisticKind = StatisticKind.INDIVIDUALS,
    whole_windows: bool = False,
) -> dict[str, BoolArray]:
    """Where each rule fires: name -> shape (..., time), True at the point that completes the pattern.

    statistic: shape (..., time), NaN = missing; centre and sigma broadcast against it and may vary per point. The
    zones scale with `width`, the multiple of sigma at which the limits lie. whole_windows: a rule of k in n waits for
    n points, as in R's qcc; the published run lengths, and `arl`, do not wait. Cost: O(points x rules).
    Raises OutOfRange for sigma <= 0 or a rule that does not apply to `kind` (see `applicable`).

    >>> {name: hit.tolist() for name, hit in fire(WESTERN_ELECTRIC[:2], [2.5, 0.0, 2.5, 3.5], 0.0, 1.0).items()}
    {'beyond_limits': [False, False, False, True], '2_of_3_beyond_2_sigma': [False, False, True, True]}
    """
    x, rules = points(statistic), named(rules)
    return advance(rules, start(rules, x.shape[:-1]), x, centre, sigma, width, kind, whole_windows)[1]


def judge(rules: Iterable[str | Rule], chart: Chart, whole_windows: bool = False) -> dict[str, BoolArray]:
    """Where the rules that apply to `chart` fire on it; those that do not apply are left out, never run.

    The limit rule compares with the chart's own limits, so it is right for skewed statistics too.

    >>> from andon_quality.control import xmr
    >>> frozen = xmr.baseline([9.0, 10.0, 11.0, 10.0])
    >>> sorted(judge(NELSON, xmr.range_chart(frozen, [10.0, 15.0])))
    ['beyond_limits']
    """
    rules = named(rules)
    zoned = [rule for rule in applicable(rules, chart.kind) if not rule.is_limit]
    fired = {rule.name: chart.beyond for rule in rules if rule.is_limit}
    if zoned:
        fired |= fire(zoned, chart.statistic, chart.centre, chart.sigma, chart.width, chart.kind, whole_windows)
    return {rule.name: fired[rule.name] for rule in rules if rule.name in fired}


def start(rules: Iterable[str | Rule], shape: tuple[int, ...] = ()) -> RulesState:
    """The state before the first point, for series of shape (...).

    >>> start(WESTERN_ELECTRIC, (2,)).z.shape
    (2, 7)
    """
    empty = np.full((*shape, max((rule.n for rule in named(rules)), default=1) - 1), np.nan)
    return RulesState(empty, empty)


@checked
def advance(
    rules: Iterable[str | Rule],
    state: RulesState,
    statistic: ArrayLike,
    centre: ArrayLike,
    sigma: ArrayLike,
    width: float = 3.0,
    kind: StatisticKind = StatisticKind.INDIVIDUALS,
    whole_windows: bool = False,
) -> tuple[RulesState, dict[str, BoolArray]]:
    """The next points, shape (..., m): the new state and where each rule fires among them; equal in any split.

    >>> state, _ = advance(WESTERN_ELECTRIC, start(WESTERN_ELECTRIC), [2.5], 0.0, 1.0)
    >>> advance(WESTERN_ELECTRIC, state, [2.5], 0.0, 1.0)[1]["2_of_3_beyond_2_sigma"]
    array([ True])
    """
    rules = named(rules)
    refused = [rule.name for rule in rules if rule not in applicable(rules, kind)]
    if refused:
        raise OutOfRange(f"{', '.join(refused)} cannot run on a {kind} chart")
    x = points(statistic)
    spread = np.asarray(sigma, dtype=np.float64)
    if (spread <= 0).any():
        raise OutOfRange("rules need a positive sigma at every point")
    if not width > 0:
        raise OutOfRange(f"the width of limits must be positive, got {width}")
    deviation = (x - np.asarray(centre, dtype=np.float64)) / spread
    if deviation.shape != x.shape:
        raise Inconsistent(f"centre and sigma do not fit points of shape {x.shape}")
    x = np.where(np.isnan(deviation), np.nan, x)
    x = np.concatenate((state.statistic, np.where(np.isnan(deviation), np.nan, x)), axis=-1)
    z = np.concatenate((state.z, deviation), axis=-1)
    kept = state.z.shape[-1]
    # Time first, so that one operation runs over all series side by side.
    by_time = _Points(*(np.ascontiguousarray(np.moveaxis(column, -1, 0)) for column in (x, z)))
    fired = {rule.name: np.moveaxis(_fires(rule, by_time, width / 3.0, whole_windows)[kept:], 0, -1) for rule in rules}
    return RulesState(x[..., x.shape[-1] - kept :].copy(), z[..., z.shape[-1] - kept :].copy()), fired


@dataclass(frozen=True)
class _Points:
    """Statistic and deviation from the centre in sigma, shape (time, ...), with how long neither has been missing."""

    x: FloatArray
    z: FloatArray

    @cached_property
    def unbroken(self) -> IntArray:
        return _run_length(~np.isnan(self.z))


def _fires(rule: Rule, points: _Points, scale: float, is_whole: bool) -> BoolArray:
    """Where the rule fires, shape (time, ...)."""
    zone, z = rule.zone_sigma * scale, points.z
    match rule.pattern:
        case Pattern.BEYOND:
            return _k_of_n(z > zone, points, rule, is_whole) | _k_of_n(z < -zone, points, rule, is_whole)
        case Pattern.OUTSIDE:
            sides = [_run_length(side) >= rule.n for side in (z > zone, z < -zone)]
            return (_run_length(np.abs(z) > zone) >= rule.n) & ~sides[0] & ~sides[1]
        case Pattern.WITHIN:
            return _run_length(np.abs(z) < zone) >= rule.n
        case Pattern.TREND:
            step = _steps(points.x)
            return (_run_length(step > 0) >= rule.n - 1) | (_run_length(step < 0) >= rule.n - 1)
        case Pattern.ALTERNATING:
            step = np.sign(_steps(points.x))
            turns = np.zeros(z.shape, dtype=np.bool_)
            turns[1:] = step[1:] * step[:-1] < 0
            return _run_length(turns) >= rule.n - 2
        case _:
            assert_never(rule.pattern)


def _steps(x: FloatArray) -> FloatArray:
    """x_t - x_(t-1), NaN where either is missing and at the first point."""
    steps = np.full(x.shape, np.nan)
    np.subtract(x[1:], x[:-1], out=steps[1:])
    return steps


def _k_of_n(hit: BoolArray, points: _Points, rule: Rule, is_whole: bool) -> BoolArray:
    """True at a hit that is at least the k-th among the last n points, none of them missing."""
    if rule.k == 1:
        return hit
    if rule.k == rule.n:
        return _run_length(hit) >= rule.n
    count = hit.astype(np.int8)
    for lag in range(1, rule.n):
        count[lag:] += hit[:-lag] & (points.unbroken[lag:] > lag)
    fired = hit & (count >= rule.k)
    return fired & (points.unbroken >= rule.n) if is_whole else fired


def _run_length(flag: BoolArray) -> IntArray:
    """How many points up to and including this one are True without a break; shape (time, ...)."""
    if len(flag) <= _SHORT:
        run = np.zeros(flag.shape, dtype=np.int64)
        for t in range(len(flag)):
            np.multiply(run[t - 1] + 1 if t else 1, flag[t], out=run[t, ...])
        return run
    time = np.arange(1, len(flag) + 1).reshape(-1, *([1] * (flag.ndim - 1)))
    return np.asarray(time - np.maximum.accumulate(np.where(flag, 0, time), axis=0), dtype=np.int64)
