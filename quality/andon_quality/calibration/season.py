"""What an hour of the week is expected to bring, learnt from few weeks."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray, IntArray

HOURS, DAYS = 24, 7
CELLS = HOURS * DAYS
ROUNDS = 8


def additive_level(values: FloatArray, phase: IntArray | None) -> FloatArray:
    """The level of each hour of the week for many series at once, shape (168, series), or (1, series) without phase.

    values: shape (n, series), none missing; phase: hour of the week of each row, 0 to 167. Least squares for hour and
    day effects (backfitting), then each of the 168 cells keeps the share of its own residual mean that its spread
    beyond noise deserves: n t^2 / (n t^2 + s^2), with t^2 by moments (empirical Bayes).
    Cost n x 168 x series. Source: Efron and Morris (1973), Journal of the American Statistical Association 68, 117-130.

    >>> additive_level(np.array([[1.0], [3.0]]), None).tolist()
    [[2.0]]
    """
    mean = values.mean(axis=0)
    if phase is None:
        return np.asarray(mean[None, :])
    hours, days, cells = _indicators(phase)
    hour, day = np.zeros((HOURS, values.shape[1])), np.zeros((DAYS, values.shape[1]))
    for _ in range(ROUNDS):
        hour = _means(hours, values - mean - day[phase // HOURS])
        day = _means(days, values - mean - hour[phase % HOURS])
    at = np.arange(CELLS)
    level = mean + hour[at % HOURS] + day[at // HOURS]
    rest = values - level[phase]
    own, count = _means(cells, rest), cells.sum(axis=1)[:, None]
    taken = (count > 0).sum()
    noise = _noise(rest, own, count, len(values) - taken)
    spread = np.maximum((count * own**2).sum(axis=0) - noise * max(taken - HOURS - DAYS + 1, 0), 0.0) / len(values)
    return np.asarray(level + own * count * spread / np.maximum(count * spread + noise, 1e-300))


def rate_level(counts: FloatArray, sizes: FloatArray, phase: IntArray | None) -> FloatArray:
    """The rate per unit of size in each hour of the week, shape (168, series), or (1, series) without phase.

    counts: shape (n, series); sizes: shape (n,), opportunities or exposure. Hour and day factors by iterative
    proportional fitting (the maximum likelihood of a log-linear Poisson rate), cells shrunk as in `additive_level`.

    >>> rate_level(np.array([[1.0], [3.0]]), np.array([10.0, 10.0]), None).tolist()
    [[0.2]]
    """
    rate = np.maximum(counts.sum(axis=0), 0.5) / sizes.sum()
    if phase is None:
        return np.asarray(rate[None, :])
    hours, days, cells = _indicators(phase)
    hour, day = np.ones((HOURS, counts.shape[1])), np.ones((DAYS, counts.shape[1]))
    for _ in range(ROUNDS):
        hour = _factors(hours, counts, sizes[:, None] * rate * day[phase // HOURS])
        day = _factors(days, counts, sizes[:, None] * rate * hour[phase % HOURS])
    at = np.arange(CELLS)
    level = rate * hour[at % HOURS] * day[at // HOURS]
    expected = cells @ (sizes[:, None] * level[phase])
    own = (cells @ counts) / np.maximum(expected, 1e-9) - 1.0
    spread = np.maximum((expected * own**2).sum(axis=0) - (CELLS - HOURS - DAYS + 1), 0.0) / expected.sum(axis=0)
    return np.asarray(level * (1.0 + own * expected * spread / (expected * spread + 1.0)))


def _indicators(phase: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    hour, day = phase % HOURS, phase // HOURS
    return _indicator(hour, HOURS), _indicator(day, DAYS), _indicator(phase, CELLS)


def _indicator(index: IntArray, size: int) -> FloatArray:
    return np.asarray(index == np.arange(size)[:, None], dtype=np.float64)


def _means(groups: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray((groups @ values) / np.maximum(groups.sum(axis=1), 1.0)[:, None])


def _factors(groups: FloatArray, counts: FloatArray, expected: FloatArray) -> FloatArray:
    # Half a count on either side keeps an hour without events from a rate of zero for ever.
    return np.asarray((groups @ counts + 0.5) / (groups @ expected + 0.5))


def _noise(rest: FloatArray, own: FloatArray, count: FloatArray, df: int) -> FloatArray:
    if df < len(rest) // 4:
        return np.asarray((rest**2).mean(axis=0))
    return np.asarray(((rest**2).sum(axis=0) - (count * own**2).sum(axis=0)) / df)
