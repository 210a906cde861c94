"""A thousand series in one call against a loop over single calls of the same function, by family, in the same run.

    python -m bench.quality_many

Both are given as time a series, by the processor's clock, medians of alternating rounds; the loop runs over the first
hundred of the series. Results are the same to the bit, which the tests hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from andon_quality import capability, effect, funnel, inference, reliability, satisfaction, structure, trend
from andon_quality.anomaly import advance, detect, start
from numpy.typing import NDArray

Array = NDArray[np.float64]
SERIES, SINGLES, POINTS, ROUNDS = 1000, 100, 100, 3


@dataclass(frozen=True)
class Case:
    """A function of one series or of many, and the arrays that it takes, the series in their first axis."""

    name: str
    call: Callable[..., Any]
    given: tuple[Array, ...]


def microseconds(case: Case) -> tuple[float, float]:
    """A series in the call of all of them, and a series by itself."""

    def together() -> None:
        case.call(*case.given)

    def alone() -> None:
        for one in zip(*(array[:SINGLES] for array in case.given), strict=True):
            case.call(*one)

    alone()
    rounds = [(_seconds(together) / SERIES, _seconds(alone) / SINGLES) for _ in range(ROUNDS)]
    return median(each[0] for each in rounds) * 1e6, median(each[1] for each in rounds) * 1e6


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def cases() -> list[Case]:
    return [*of_samples(), *of_actions(), *of_series(), *of_tables()]


def of_samples() -> list[Case]:
    random = np.random.default_rng(1)
    x, y = random.normal(1.0, 1.0, (SERIES, POINTS)), random.normal(0.9, 1.5, (SERIES, POINTS))
    hits, of = random.integers(1, 90, (2, SERIES)).astype(np.float64), np.full(SERIES, 100.0)
    waiting = random.gamma(4.0, 2.0, (SERIES, POINTS))
    limits = capability.Specification(lower=0.1, upper=30.0)
    return [
        Case("welch", inference.welch, (x, y)),
        Case("mann_whitney", inference.mann_whitney, (x, y)),
        Case("compare_spread", inference.compare_spread, (x, y)),
        Case("kruskal, 2 groups", lambda a, b: inference.kruskal([a, b]), (x, y)),
        Case("anova, 2 groups", lambda a, b: inference.anova([a, b]), (x, y)),
        Case("compare_proportions", lambda a, b, n: inference.compare_proportions((a, n), (b, n)), (*hits, of)),
        Case("capability.of", lambda a: capability.of(a, limits), (waiting,)),
        Case("by_percentiles", lambda a: capability.by_percentiles(a, limits, resamples=200), (waiting,)),
        Case("by_fit", lambda a: capability.by_fit(a, limits, resamples=20), (waiting,)),
    ]


def of_actions() -> list[Case]:
    random = np.random.default_rng(4)
    x, y = random.normal(1.0, 1.0, (SERIES, POINTS)), random.normal(0.9, 1.5, (SERIES, POINTS))
    shares = random.binomial(200, 0.2, (2, SERIES, 40)).astype(np.float64)
    trials = np.full((SERIES, 40), 200.0)
    counts = random.poisson(50.0, (SERIES, POINTS)).astype(np.float64)
    known = random.normal(size=(SERIES, POINTS, 1))
    return [
        Case("before_after", effect.before_after, (x, y)),
        Case("before_after_proportion", effect.before_after_proportion, (shares[0], trials, shares[1], trials)),
        Case("always_valid", effect.always_valid, (x, y)),
        Case("cuped", effect.cuped, (y, x, x, y)),
        Case("interrupted_means", lambda a: effect.interrupted_means(a, 60), (x,)),
        Case("interrupted_counts", lambda a: effect.interrupted_counts(a, 60), (counts,)),
        Case("structural", lambda a: effect.structural(a, 70), (x,)),
        Case("structural, a control each", lambda a, b: effect.structural(a, 70, b), (x, known)),
    ]


def of_series() -> list[Case]:
    x = np.random.default_rng(5).normal(1.0, 1.0, (SERIES, POINTS))
    waves = x + 3.0 * np.sin(np.arange(POINTS) / 12 * 2 * np.pi)
    mean = trend.SegmentModel.MEAN
    return [
        Case("mann_kendall", trend.mann_kendall, (x,)),
        Case("theil_sen", trend.theil_sen, (x,)),
        Case("moving_average, season 12", lambda a: trend.moving_average(a, 12), (waves,)),
        Case("seasonal_trend, season 12", lambda a: trend.seasonal_trend(a, 12), (waves,)),
        Case("forecast, fitted, season 12", lambda a: trend.forecast(a, 12, season=12), (waves,)),
        Case("pelt, mean", lambda a: trend.pelt(a, mean), (x,)),
        Case("pelt, autoregressive trend", trend.pelt, (x,)),
        Case("binary_segmentation, mean", lambda a: trend.binary_segmentation(a, mean), (x,)),
        Case("anomaly.detect, 100 points", detect, (x,)),
    ]


def of_tables() -> list[Case]:
    random = np.random.default_rng(6)
    x, y = random.normal(size=(2, SERIES, POINTS))
    table = random.normal(size=(POINTS, 4))
    answers = random.integers(1, 6, (SERIES, POINTS, 5)).astype(np.float64)
    raters = random.multinomial(6, [0.5, 0.3, 0.2], (SERIES, POINTS)).astype(np.float64)
    hac, sizes = structure.Errors.HAC, np.full(POINTS, 200.0)
    counts = random.binomial(200, 0.2, (SERIES, POINTS)).astype(np.float64)
    return [
        Case("correlate", structure.correlate, (x, y)),
        Case("regress on 4 columns, HAC", lambda a: structure.regress(a, table, hac), (x,)),
        Case("drivers, 4 columns", lambda a: structure.drivers(a, table), (x,)),
        Case("cronbach, 5 items", reliability.cronbach, (answers,)),
        Case("cohen, 5 grades", lambda a, b: reliability.cohen(a - 1, b - 1, 5), (answers[..., 0], answers[..., 1])),
        Case("fleiss, 3 grades", reliability.fleiss, (raters,)),
        Case("csat", satisfaction.csat, (answers[..., 0],)),
        Case("nps", satisfaction.nps, (answers[..., 0] + 5.0,)),
        Case("ces", satisfaction.ces, (answers[..., 0],)),
        Case("funnel of 100 units", lambda a: funnel.proportions(a, sizes), (counts,)),
    ]


def peeking() -> tuple[float, float]:
    """One more point of each watched action: microseconds a series, together and alone."""
    random = np.random.default_rng(2)
    before, point = random.normal(size=(SERIES, 364)), random.normal(size=SERIES)
    many, ones = effect.begin(before), [effect.begin(one) for one in before[:SINGLES]]
    together = [_seconds(lambda: effect.look(many, point)) for _ in range(20)]
    alone = _seconds(lambda: [effect.look(one, value) for one, value in zip(ones, point, strict=False)])
    return median(together) / SERIES * 1e6, alone / SINGLES * 1e6


def streaming() -> tuple[float, float]:
    """One more point of each stream under the anomaly detector: microseconds a series, together and alone."""
    points = np.random.default_rng(3).normal(size=(SERIES, 340))
    many, one = start(24, SERIES), start(24)

    def step(at: int) -> tuple[float, float]:
        nonlocal many, one
        began = time.process_time()
        many, _ = advance(many, points[:, at : at + 1])
        between = time.process_time()
        one, _ = advance(one, points[0, at : at + 1])
        return between - began, time.process_time() - between

    steps = [step(at) for at in range(points.shape[1])][-40:]
    return median(each[0] for each in steps) / SERIES * 1e6, median(each[1] for each in steps) * 1e6


def main() -> None:
    print(f"{'one call over 1,000 series':<34} {'us a series':>12} {'by itself':>12} {'ratio':>8}")
    rows = [(case.name, *microseconds(case)) for case in cases()]
    for name, together, alone in [*rows, ("look, one more day", *peeking()), ("advance, one more point", *streaming())]:
        print(f"{name:<34} {together:>12.1f} {alone:>12.1f} {alone / together:>7.1f}x", flush=True)


if __name__ == "__main__":
    main()
