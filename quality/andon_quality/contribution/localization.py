"""Which combination of dimension values carries an incident: cdn=5 and p2p=0, rather than cdn=5 alone."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray, IntArray, finite
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.result import Result

# How much a denser excess may make up for a smaller one; 0.15 to 0.35 rank alike, 1 would be a Gaussian scan statistic.
DENSITY_WEIGHT = 0.2
# Opportunities worth of the overall rate that a combination's own history is mixed with.
PRIOR_OPPORTUNITIES = 20.0


@dataclass(frozen=True)
class LocalizedCause(Result):
    """One combination of values and what it carries.

    excess: events beyond the combination's own history; share: of the whole excess (may exceed 1 when others fell).
    rate_before, rate_after: events per opportunity. score ranks candidates of one incident, and means nothing else.
    """

    where: Mapping[str, Hashable]
    excess: float
    share: float
    rate_before: float
    rate_after: float
    score: float


@dataclass(frozen=True)
class _Leaves:
    codes: Mapping[str, IntArray]
    names: Mapping[str, Sequence[Hashable]]
    period: IntArray
    periods: int
    events: FloatArray
    opportunities: FloatArray


@checked
def localize(
    attributes: Mapping[str, Sequence[Hashable]],
    period: ArrayLike,
    events: ArrayLike,
    opportunities: ArrayLike,
    incident: float,
    *,
    rising: bool = True,
    deepest: int = 3,
    first: int = 5,
) -> tuple[LocalizedCause, ...]:
    """The combinations of up to `deepest` attribute values that best carry the change of a rate in one period.

    Each combination's history is the median of its rates over the periods before `incident`, drawn a little towards
    the overall rate. Its excess e is what it has beyond that over its n opportunities, less half a standard deviation
    of counting; score = e (e / n)^0.2: much of the trouble, in few opportunities. Combinations rank by score. Of
    combinations that hold the very same rows the most specific is listed, for it names all that these rows share.

    attributes: name -> the leaf rows' values, each of shape (rows,); period, events, opportunities: shape (rows,),
    opportunities >= 0; `incident` is the period to explain, and earlier ones are its history; later rows are ignored.
    For a sum give forecast or history as opportunities. `rising=False` explains a fall.
    Assumes one incident with one cause. O(rows x combinations of attributes). Prefer `additive` or `ratio` when the
    parts must add up. Raises Inconsistent, NotFinite, OutOfRange, TooFew.
    Source: Kulldorff, Communications in Statistics 26 (1997) 1481, with additive excess and tempered density.

    >>> rows = [(t, cdn, p2p) for t in range(5) for cdn in "ab" for p2p in "01"]
    >>> bad = [50 if row == (4, "b", "1") else 5 for row in rows]
    >>> columns = {"cdn": [r[1] for r in rows], "p2p": [r[2] for r in rows]}
    >>> dict(localize(columns, [r[0] for r in rows], bad, [100] * 20, incident=4)[0].where)
    {'cdn': 'b', 'p2p': '1'}
    """
    if deepest < 1 or first < 1:
        raise OutOfRange("needs at least one attribute and one cause")
    leaves = _leaves(attributes, period, events, opportunities, incident)
    total = _excess_of_all(leaves)
    found = [cause for names in _subsets(list(attributes), deepest) for cause in _causes(leaves, names, total, rising)]
    found.sort(key=lambda cause: (-cause.score, -len(cause.where)))
    return tuple(_distinct(found, first))


def _leaves(
    attributes: Mapping[str, Sequence[Hashable]], period: ArrayLike, events: ArrayLike, den: ArrayLike, incident: float
) -> _Leaves:
    when, k, n = finite(period), finite(events), finite(den)
    if not attributes or not (when.shape == k.shape == n.shape == (when.size,)):
        raise Inconsistent("needs attributes, and one period, event count and opportunity count per row")
    if any(len(values) != when.size for values in attributes.values()):
        raise Inconsistent("every attribute needs one value per row")
    if (n < 0).any():
        raise OutOfRange("opportunities must not be negative")
    used: BoolArray = when <= incident
    moments, index = np.unique(when[used], return_inverse=True)
    if moments.size < 2 or moments[-1] != incident:
        raise TooFew("needs rows in the incident's period and in at least one earlier period")
    encoded = {
        name: _encode([v for v, use in zip(values, used, strict=True) if use]) for name, values in attributes.items()
    }
    return _Leaves(
        {name: codes for name, (codes, _) in encoded.items()},
        {name: seen for name, (_, seen) in encoded.items()},
        index.astype(np.int64),
        moments.size,
        k[used],
        n[used],
    )


def _encode(values: list[Hashable]) -> tuple[IntArray, list[Hashable]]:
    seen: dict[Hashable, int] = {}
    codes = np.array([seen.setdefault(value, len(seen)) for value in values], dtype=np.int64)
    return codes, list(seen)


def _subsets(attributes: Sequence[str], deepest: int) -> Iterator[tuple[str, ...]]:
    for size in range(1, min(deepest, len(attributes)) + 1):
        yield from combinations(attributes, size)


def _tables(leaves: _Leaves, group: IntArray, groups: int) -> tuple[FloatArray, FloatArray]:
    cell = group * leaves.periods + leaves.period
    shape = (groups, leaves.periods)
    events: FloatArray = np.bincount(cell, leaves.events, groups * leaves.periods).astype(np.float64)
    opportunities: FloatArray = np.bincount(cell, leaves.opportunities, groups * leaves.periods).astype(np.float64)
    return events.reshape(shape), opportunities.reshape(shape)


def _overall_rate(leaves: _Leaves) -> float:
    events, opportunities = _tables(leaves, np.zeros_like(leaves.period), 1)
    past = opportunities[0, :-1] > 0
    if not past.any():
        raise TooFew("no opportunities before the incident")
    return float(np.median(events[0, :-1][past] / opportunities[0, :-1][past]))


def _excess_of_all(leaves: _Leaves) -> float:
    last = leaves.period == leaves.periods - 1
    return float(leaves.events[last].sum() - _overall_rate(leaves) * leaves.opportunities[last].sum())


def _history(events: FloatArray, opportunities: FloatArray, overall: float) -> FloatArray:
    past = opportunities[:, :-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = np.where(past > 0, events[:, :-1] / past, np.nan)
    known = past.sum(axis=1)
    rates[known == 0] = overall
    own: FloatArray = np.nanmedian(rates, axis=1)
    mixed: FloatArray = (own * known + overall * PRIOR_OPPORTUNITIES) / (known + PRIOR_OPPORTUNITIES)
    return mixed


def _causes(leaves: _Leaves, names: tuple[str, ...], total: float, rising: bool) -> Iterator[LocalizedCause]:
    code = np.zeros_like(leaves.period)
    for name in names:
        code = code * len(leaves.names[name]) + leaves.codes[name]
    present, group = np.unique(code, return_inverse=True)
    events, opportunities = _tables(leaves, group.astype(np.int64), present.size)
    expected = _history(events, opportunities, _overall_rate(leaves))
    k, n = events[:, -1], opportunities[:, -1]
    excess = (k - n * expected) * (1.0 if rising else -1.0)
    sure = excess - 0.5 * np.sqrt(np.maximum(k, 1.0) + 1.0)
    for i in np.flatnonzero((n > 0) & (sure > 0)):
        score = float(sure[i] * (sure[i] / n[i]) ** DENSITY_WEIGHT)
        change = float(k[i] - n[i] * expected[i])
        share = change / total if total else float("nan")
        where = _decode(int(present[i]), names, leaves)
        yield LocalizedCause(where, change, share, float(expected[i]), float(k[i] / n[i]), score)


def _decode(code: int, names: tuple[str, ...], leaves: _Leaves) -> dict[str, Hashable]:
    where: dict[str, Hashable] = {}
    for name in reversed(names):
        code, value = divmod(code, len(leaves.names[name]))
        where[name] = leaves.names[name][value]
    return {name: where[name] for name in names}


def _distinct(found: list[LocalizedCause], first: int) -> list[LocalizedCause]:
    kept: list[LocalizedCause] = []
    for cause in found:
        if len(kept) == first:
            break
        if not any(_same_rows(cause, other) for other in kept):
            kept.append(cause)
    return kept


def _same_rows(one: LocalizedCause, other: LocalizedCause) -> bool:
    same = (one.excess, one.rate_after, one.rate_before) == (other.excess, other.rate_after, other.rate_before)
    return same and set(one.where.items()) < set(other.where.items())
