"""What customers say, as indices with intervals: CSAT, NPS, CES and the SERVQUAL gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import FloatArray, PerSeries, by_series, finite, plain, refuse
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.inference.interval import Interval, normal_quantile, tail
from andon_quality.inference.multiple import holm
from andon_quality.inference.proportion import wilson
from andon_quality.result import Result

ANSWERS_MIN = 10


@dataclass(frozen=True)
class Index(Result):
    """The index in its own unit, its interval, and how many answers it rests on.

    Of many groups the value and the ends of the interval are arrays of shape (groups,).
    """

    value: PerSeries
    interval: Interval
    n: int


@checked
def csat(
    answers: ArrayLike, satisfied_from: float = 4.0, answers_min: int = ANSWERS_MIN, confidence: float = 0.95
) -> Index:
    """Customer satisfaction: the share, in percent, of answers at or above `satisfied_from`; Wilson's interval.

    100 k / n with k answers that satisfy. answers: shape (n,), any rising scale (1..5 by default: the top two boxes);
    or (groups, n) for many groups of n answers. Assumes independent respondents, and
    speaks for those who answered. Prefer `nps` for a scale of 0 to 10, and `inference.wilson` for groups that are
    counted already or differ in size. Cost O(answers). Raises TooFew below answers_min ("not enough data"), NotFinite,
    OutOfRange. Source: Wilson, 1927, Journal of the American Statistical Association 22:209 (interval).

    >>> result = csat([5, 4, 4, 3, 5, 2, 4, 5, 5, 1])
    >>> result.value, round(result.interval.lower, 1), round(result.interval.upper, 1)
    (70.0, 39.7, 89.2)
    """
    given = _answers(answers, answers_min)
    hits, n = (given >= satisfied_from).sum(axis=-1), given.shape[-1]
    low, high = wilson(hits, np.full(np.shape(hits), n), confidence)
    return Index(plain(100.0 * hits / n), Interval(plain(100.0 * low), plain(100.0 * high), confidence), n)


@checked
def nps(answers: ArrayLike, answers_min: int = ANSWERS_MIN, confidence: float = 0.95) -> Index:
    """Net promoter score: percent of 9 and 10 minus percent of 0 to 6; -100..100.

    Interval: adjusted Wald for a difference of two shares of one sample - one answer is added to promoters and one to
    detractors, then d -+ z sqrt((a + b - d^2) / (n + 2)), which covers close to nominal from ten answers on. answers:
    shape (n,), or (groups, n) for many groups of n answers, integers 0..10. Assumes independent respondents. Two
    scores differ only if their difference's interval says so: it is wide (about -+14 points at n = 100); prefer `csat`
    for few answers. Cost O(answers). Raises TooFew below answers_min, NotFinite, OutOfRange.
    Sources: Reichheld, 2003, Harvard Business Review 81(12):46; Bonett and Price, 2012, Journal of Educational and
    Behavioral Statistics 37:479.

    >>> result = nps([10, 9, 9, 8, 7, 6, 10, 3, 9, 10])
    >>> result.value, round(result.interval.lower, 1), round(result.interval.upper, 1)
    (40.0, -14.7, 81.4)
    """
    given = _answers(answers, answers_min)
    bad = (given < 0) | (given > 10) | (given != np.floor(given))
    refuse(bad.any(axis=-1), OutOfRange, "answers must be integers 0..10")
    n, promoters, detractors = given.shape[-1], (given >= 9).sum(axis=-1), (given <= 6).sum(axis=-1)
    a, b = (promoters + 1.0) / (n + 2.0), (detractors + 1.0) / (n + 2.0)
    half = normal_quantile(confidence) * np.sqrt((a + b - np.square(a - b)) / (n + 2.0))
    low, high = np.maximum(100.0 * (a - b - half), -100.0), np.minimum(100.0 * (a - b + half), 100.0)
    return Index(plain(100.0 * (promoters - detractors) / n), Interval(plain(low), plain(high), confidence), n)


@checked
def ces(
    answers: ArrayLike,
    scale: tuple[float, float] = (1.0, 7.0),
    answers_min: int = ANSWERS_MIN,
    confidence: float = 0.95,
) -> Index:
    """Customer effort score: the mean answer, with Student's interval cut to the scale.

    mean -+ t s / sqrt(n). answers: shape (n,), within `scale`, or (groups, n) for many groups of n answers; say which
    end is easy, as both are in use. Assumes independent respondents; prefer `csat` where only the top boxes count. Cost
    O(answers); scipy is imported on use. Raises TooFew below answers_min (or 2), NotFinite, OutOfRange.
    Source: Dixon, Freeman and Toman, 2010, Harvard Business Review 88(7):116.

    >>> round(ces([5, 6, 7, 7, 4, 6, 6, 5, 7, 2]).value, 2)
    5.5
    """
    given = _answers(answers, max(answers_min, 2))
    beyond = ((given < scale[0]) | (given > scale[1])).any(axis=-1)
    refuse(beyond, OutOfRange, f"answers must lie in {scale[0]}..{scale[1]}")
    half, mean = _half_widths(given, confidence), given.mean(axis=-1)
    low, high = np.maximum(mean - half, scale[0]), np.minimum(mean + half, scale[1])
    return Index(plain(mean), Interval(plain(low), plain(high), confidence), given.shape[-1])


@dataclass(frozen=True)
class Gaps(Result):
    """Perception minus expectation: per item and per dimension (arrays, with interval ends), p per dimension adjusted
    by Holm, and the overall gap weighted by the importance of the dimensions."""

    item_gap: FloatArray
    item_lower: FloatArray
    item_upper: FloatArray
    dimension_gap: FloatArray
    dimension_lower: FloatArray
    dimension_upper: FloatArray
    dimension_p_value: FloatArray
    overall: Index


@checked
def servqual(
    expected: ArrayLike,
    perceived: ArrayLike,
    dimensions: ArrayLike,
    importance: ArrayLike | None = None,
    answers_min: int = ANSWERS_MIN,
    confidence: float = 0.95,
) -> Gaps:
    """SERVQUAL gaps: perceived minus expected service; negative where it falls short of what was expected.

    A respondent's dimension gap is the mean over its items, the overall gap the weighted mean over dimensions;
    intervals are Student's over respondents. expected, perceived: shape (n respondents, items), same scale, complete;
    dimensions: shape (items,), integers 0..k - 1, each in use (classically five: tangibles, reliability,
    responsiveness, assurance, empathy); importance: shape (k,), relative, default equal. Assumes independent
    respondents. Prefer `csat` where nobody was asked what they expected. Cost O(n items); scipy is imported on use.
    Raises TooFew below answers_min, NotFinite, OutOfRange, Inconsistent.
    Source: Parasuraman, Zeithaml and Berry, 1988, Journal of Retailing 64:12.

    >>> gaps = servqual([[7, 6, 7]] * 4, [[6, 6, 5], [5, 6, 6], [6, 5, 5], [6, 6, 6]], [0, 0, 1], answers_min=4)
    >>> gaps.dimension_gap.tolist(), gaps.overall.value
    ([-0.75, -1.5], -1.125)
    """
    from scipy.special import stdtr

    gap = _gap_table(expected, perceived, max(answers_min, 2))
    belongs, weight = _belonging(dimensions, importance, gap.shape[1])
    by_dimension = gap @ belongs
    item_half, half = (_half_widths(np.ascontiguousarray(each.T), confidence) for each in (gap, by_dimension))
    mean, n = by_dimension.mean(axis=0), len(gap)
    error = by_dimension.std(axis=0, ddof=1) / math.sqrt(n)
    t = np.abs(mean) / np.where(error > 0.0, error, np.where(mean == 0.0, np.inf, np.finfo(float).tiny))
    whole = by_dimension @ weight
    overall, reach = float(whole.mean()), float(_half_widths(whole, confidence))
    return Gaps(
        item_gap=gap.mean(axis=0),
        item_lower=gap.mean(axis=0) - item_half,
        item_upper=gap.mean(axis=0) + item_half,
        dimension_gap=mean,
        dimension_lower=mean - half,
        dimension_upper=mean + half,
        dimension_p_value=holm(np.minimum(2.0 * stdtr(n - 1, -t), 1.0)),
        overall=Index(overall, Interval(overall - reach, overall + reach, confidence), n),
    )


def _answers(answers: ArrayLike, answers_min: int) -> FloatArray:
    given, least = by_series(answers), max(answers_min, 1)
    if given.shape[-1] < least:
        raise TooFew(f"not enough data: needs at least {least} answers, got {given.shape[-1]}")
    return given


def _gap_table(expected: ArrayLike, perceived: ArrayLike, answers_min: int) -> FloatArray:
    before, after = finite(expected), finite(perceived)
    if before.shape != after.shape or before.ndim != 2:
        raise Inconsistent("expected and perceived need the same respondents and items")
    if len(before) < answers_min:
        raise TooFew(f"not enough data: needs at least {answers_min} respondents, got {len(before)}")
    return after - before


def _belonging(dimensions: ArrayLike, importance: ArrayLike | None, items: int) -> tuple[FloatArray, FloatArray]:
    place = np.asarray(dimensions, dtype=np.int64)
    if place.shape != (items,) or place.min() < 0 or (np.bincount(place) == 0).any():
        raise Inconsistent("needs one dimension per item, numbered from 0 without a gap")
    member = (place[:, None] == np.arange(place.max() + 1)).astype(np.float64)
    weight = np.ones(member.shape[1]) if importance is None else finite(importance)
    if weight.shape != (member.shape[1],):
        raise Inconsistent("needs one importance per dimension")
    if (weight < 0.0).any() or not weight.sum() > 0.0:
        raise OutOfRange("importance is never negative and not all zero")
    return member / member.sum(axis=0), weight / weight.sum()


def _half_widths(values: FloatArray, confidence: float) -> FloatArray:
    """Half of Student's interval of each mean over the last axis."""
    from scipy.special import stdtrit

    n = values.shape[-1]
    reach = float(stdtrit(n - 1, 1.0 - tail(confidence)))
    return np.asarray(reach * values.std(axis=-1, ddof=1) / math.sqrt(n), dtype=np.float64)
