"""The limits at which streams like the baseline, judged by baselines like it, run as long as was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from andon_quality.arrays import FloatArray, IntArray
from andon_quality.calibration.process import Form, ProcessFit, Sampling, deviations, fit, simulate
from andon_quality.calibration.scheme import Scheme, advance, start

REFITS = 150
# Streams are followed for this many requested run lengths; what is left is extrapolated at its last hazard.
HORIZON = 5.0
POINTS_MOST = 1_500_000


@dataclass(frozen=True)
class CalibratedLimits:
    """Limits on the statistics of `Scheme`, and what they gave in the simulation that found them.

    mean, median: of the run length over baselines and futures; error: the standard error of that mean, relative.
    """

    upper: float
    lower: float
    mean: float
    median: float
    error: float


def bootstrap_limits(
    form: Form, fitted: ProcessFit, rows: Sampling, scheme: Scheme, requested_arl: float, seed: int, chart_order: int
) -> CalibratedLimits:
    """Limits for the chart of `fitted`, whose parameters are themselves estimates, at the requested mean run length.

    Parametric bootstrap in two rounds: refits to simulated baselines first tell the bias of the estimates, which is
    taken off; then each of 150 new simulated baselines is refitted and judges its own simulated futures, exactly as the
    real baseline will judge the real one. Upper and lower limits share the false alarms evenly.
    chart_order: the order of the autoregression that the chart takes out; 0 charts the deviations themselves (inflated
    limits). Sources: Jones and Steiner (2012), Journal of Quality Technology 44, 95-108; Gandy and Kvaloy (2013),
    Scandinavian Journal of Statistics 40, 647-668.

    >>> along = Sampling(np.ones(100), None, np.full(100, True))
    >>> fitted = fit(Form("continuous"), np.random.default_rng(1).standard_normal((100, 1)), along)
    >>> 1.5 < bootstrap_limits(Form("continuous"), fitted, along, Scheme("shewhart"), 20.0, 0, 0).upper < 2.5
    True
    """
    rng = np.random.default_rng(seed)
    horizon = int(np.ceil(HORIZON * requested_arl))
    futures = max(3, min(16, POINTS_MOST // (horizon * REFITS)))
    rough = fit(form, simulate(form, fitted, rows, REFITS, rng), rows)
    likely = fitted.less_bias(rough)
    judges = fit(form, simulate(form, likely, rows, REFITS, rng), rows)
    judges = charted(judges, form, chart_order)
    ahead = onwards(rows, horizon)
    streams = simulate(form, likely, ahead, REFITS * futures, rng)
    judging = judges.repeated(futures)
    away = deviations(form, judging, streams, ahead)
    _, up, down = advance(scheme, start(chart_order, away.shape[1]), away, judging.phi, judging.sd)
    np.maximum.accumulate(up, axis=0, out=up)
    np.maximum.accumulate(down, axis=0, out=down)
    return _search(up, down, requested_arl, futures)


def charted(fitted: ProcessFit, form: Form, chart_order: int) -> ProcessFit:
    """The fit as the chart uses it: with chart_order 0 the deviations stay autocorrelated and with their whole spread.

    >>> one = np.ones(1)
    >>> charted(ProcessFit(one[None], one, 0.6 * one[None], 0.8 * one, one, one), Form("continuous", 1), 0).sd.item()
    1.0
    """
    if chart_order == form.order:
        return fitted
    return replace(fitted, phi=fitted.phi[:0], sd=fitted.spread)


def onwards(rows: Sampling, points: int) -> Sampling:
    """The rows that follow a baseline: its own over again.

    >>> onwards(Sampling(np.array([1.0, 2.0]), None, np.array([True, False])), 3).sizes.tolist()
    [1.0, 2.0, 1.0]
    """
    phase = None if rows.phase is None else np.resize(rows.phase, points)
    return Sampling(np.resize(rows.sizes, points), phase, np.resize(rows.present, points))


def _search(up: FloatArray, down: FloatArray, requested_arl: float, futures: int) -> CalibratedLimits:
    """Bisection on the share of streams that either side stops within the requested run length."""
    horizon = len(up)
    at = min(max(round(requested_arl), 2), horizon) - 1
    highest, lowest = np.sort(up[at]), np.sort(down[at])

    def runs_at(share: float) -> FloatArray:
        stopped = np.minimum(_first_above(up, _at(highest, share)), _first_above(down, _at(lowest, share)))
        return stopped.astype(np.float64)

    low, high = 0.0, 1.0
    for _ in range(24):
        share = 0.5 * (low + high)
        if mean_run(runs_at(share), horizon) < requested_arl:
            low = share
        else:
            high = share
    runs = runs_at(high)
    own = np.minimum(runs, horizon).reshape(-1, futures).mean(axis=1)
    error = float(own.std() / np.sqrt(len(own)) / own.mean())
    return CalibratedLimits(
        _at(highest, high), _at(lowest, high), mean_run(runs, horizon), float(np.median(runs)), error
    )


def _first_above(rising: FloatArray, limit: float) -> IntArray:
    """For each column, which never falls, the number of the first row above the limit; one past the last if none."""
    columns = np.arange(rising.shape[1])
    low, high = np.zeros(len(columns), dtype=np.int64), np.full(len(columns), len(rising))
    while (low < high).any():
        middle = np.minimum((low + high) // 2, len(rising) - 1)
        above = rising[middle, columns] > limit
        low, high = np.where(above | (low == high), low, middle + 1), np.where(above, middle, high)
    return low + 1


def mean_run(runs: FloatArray, horizon: int) -> float:
    """The mean of run lengths that are known up to `horizon` points only, shape (n,); larger ones count as beyond.

    What lies beyond comes at the rate of alarms in the half before the horizon.

    >>> mean_run(np.array([1.0, 3.0]), 10)
    2.0
    """
    counted, beyond = float(np.minimum(runs, horizon).mean()), runs > horizon
    if not beyond.any():
        return counted
    half = 0.5 * horizon
    alarms = max(int(((runs > half) & ~beyond).sum()), 1)
    exposed = float((np.minimum(runs, horizon) - half).clip(0.0).sum())
    return counted + float(beyond.mean()) * exposed / alarms


def _at(ordered: FloatArray, share: float) -> float:
    return float(np.interp(share * (len(ordered) - 1), np.arange(len(ordered)), ordered))
