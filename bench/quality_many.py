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
from andon_quality import capability, effect, inference, trend
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
    random = np.random.default_rng(1)
    x, y = random.normal(1.0, 1.0, (SERIES, POINTS)), random.normal(0.9, 1.5, (SERIES, POINTS))
    waves = x + 3.0 * np.sin(np.arange(POINTS) / 12 * 2 * np.pi)
    hits, of = random.integers(1, 90, (2, SERIES)).astype(np.float64), np.full(SERIES, 100.0)
    shares = random.binomial(200, 0.2, (2, SERIES, 40)).astype(np.float64)
    trials = np.full((SERIES, 40), 200.0)
    waiting = random.gamma(4.0, 2.0, (SERIES, POINTS))
    limits = capability.Specification(lower=0.1, upper=30.0)
    return [
        Case("welch", inference.welch, (x, y)),
        Case("mann_whitney", inference.mann_whitney, (x, y)),
        Case("compare_spread", inference.compare_spread, (x, y)),
        Case("kruskal, 2 groups", lambda a, b: inference.kruskal([a, b]), (x, y)),
        Case("anova, 2 groups", lambda a, b: inference.anova([a, b]), (x, y)),
        Case("compare_proportions", lambda a, b, n: inference.compare_proportions((a, n), (b, n)), (*hits, of)),
        Case("before_after", effect.before_after, (x, y)),
        Case("before_after_proportion", effect.before_after_proportion, (shares[0], trials, shares[1], trials)),
        Case("always_valid", effect.always_valid, (x, y)),
        Case("mann_kendall", trend.mann_kendall, (x,)),
        Case("theil_sen", trend.theil_sen, (x,)),
        Case("moving_average, season 12", lambda a: trend.moving_average(a, 12), (waves,)),
        Case("seasonal_trend, season 12", lambda a: trend.seasonal_trend(a, 12), (waves,)),
        Case("forecast, fitted, season 12", lambda a: trend.forecast(a, 12, season=12), (waves,)),
        Case("capability.of", lambda a: capability.of(a, limits), (waiting,)),
        Case("by_percentiles", lambda a: capability.by_percentiles(a, limits, resamples=200), (waiting,)),
        Case("by_fit", lambda a: capability.by_fit(a, limits, resamples=20), (waiting,)),
        Case("anomaly.detect, 100 points", detect, (x,)),
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
