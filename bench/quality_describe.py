"""Speed of description, structure and weights, each as a ratio to a named baseline measured in the same run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from andon_quality.composite import composite, hierarchy
from andon_quality.describe import Moments, QuantileSketch, grouped_moments, moments_of
from andon_quality.inference import mann_whitney, welch
from andon_quality.structure import cluster, frequent_sets, regress
from numpy.typing import NDArray

POINTS = 1_000_000
GROUPS = 10_000
ROUNDS = 5


@dataclass(frozen=True)
class Case:
    """What is measured, what it is measured against, and how many units of work one call does."""

    name: str
    baseline: str
    unit: str
    work: int
    ours: Callable[[], Any]
    theirs: Callable[[], Any]


def seconds(case: Case) -> tuple[float, float]:
    """Medians over alternating rounds, so that a busy machine slows both alike."""
    case.ours(), case.theirs()
    pairs = [(_timed(case.ours), _timed(case.theirs)) for _ in range(ROUNDS)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def _timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def float_moments(group: NDArray[np.int64], values: NDArray[np.int64]) -> Any:
    return [np.bincount(group, weights=values.astype(np.float64) ** power, minlength=GROUPS) for power in (0, 1, 2)]


def integer_loop(group: NDArray[np.int64], values: NDArray[np.int64]) -> list[list[int]]:
    sums = [[0, 0, 0] for _ in range(GROUPS)]
    for place, value in zip(group.tolist(), values.tolist(), strict=True):
        entry = sums[place]
        entry[0] += 1
        entry[1] += value
        entry[2] += value * value
    return sums


def stream(values: list[int]) -> Moments:
    moments = Moments()
    for value in values:
        moments = moments.add(value)
    return moments


def river_stream(values: list[int]) -> Any:
    from river import stats

    running = stats.Var()
    for value in values:
        running.update(value)
    return running


def composite_loop(weights: NDArray[np.float64], rows: NDArray[np.float64]) -> list[float]:
    return [float(sum(w * x for w, x in zip(weights, row, strict=True))) for row in rows]


def describing() -> list[Case]:
    random = np.random.default_rng(1)
    group, small = random.integers(0, GROUPS, POINTS), random.integers(0, 10**7, POINTS)
    large, times = small * 10**9, random.lognormal(3.0, 1.0, POINTS)
    some = small[:100_000].tolist()
    page = times[:5000]
    sketch = QuantileSketch().add(times)
    first, rest = QuantileSketch().add(times[: POINTS // 2]), QuantileSketch().add(times[POINTS // 2 :])
    return [
        Case("grouped_moments, below 2^32", "Python integer loop (exact)", "points", POINTS,
             lambda: grouped_moments(group, small, GROUPS), lambda: integer_loop(group, small)),
        Case("grouped_moments, below 2^32", "numpy float bincount (not exact)", "points", POINTS,
             lambda: grouped_moments(group, small, GROUPS), lambda: float_moments(group, small)),
        Case("grouped_moments, below 2^63", "Python integer loop (exact)", "points", POINTS,
             lambda: grouped_moments(group, large, GROUPS), lambda: integer_loop(group, large)),
        Case("moments_of one series", "numpy mean and var (not exact)", "points", POINTS,
             lambda: moments_of(small).variance(), lambda: (small.mean(), small.var(ddof=1))),
        Case("Moments.add, one by one", "river stats.Var", "points", len(some),
             lambda: stream(some), lambda: river_stream(some)),
        Case("QuantileSketch.add, a page of 5000", "numpy.quantile of the page", "points", len(page),
             lambda: sketch.add(page), lambda: np.quantile(page, [0.5, 0.95, 0.99])),
        Case("QuantileSketch, merge two halves", "numpy.quantile of all values", "points", POINTS,
             lambda: (first + rest).quantile([0.5, 0.95, 0.99]), lambda: np.quantile(times, [0.5, 0.95, 0.99])),
    ]  # fmt: skip


def structuring() -> list[Case]:
    import pandas as pd
    import statsmodels.api as sm
    from mlxtend.frequent_patterns import apriori
    from scipy import stats
    from sklearn.cluster import KMeans

    random = np.random.default_rng(2)
    table = random.normal(size=(5000, 4)) + 4.0 * random.integers(0, 4, (5000, 1))
    x, y = random.normal(size=(2000, 6)), random.normal(size=2000)
    matrix = random.random((5000, 30)) < np.linspace(0.02, 0.4, 30)
    baskets = [frozenset(np.flatnonzero(row).tolist()) for row in matrix]
    frame = pd.DataFrame(matrix)
    tree = hierarchy([-1] + [0] * 5 + [1 + leaf % 5 for leaf in range(40)], np.ones(46))
    rows = random.uniform(0, 100, (2000, 40))
    return [
        Case("composite, 2000 rows of 40 leaves", "Python loop over leaves", "rows", len(rows),
             lambda: composite(rows, tree), lambda: composite_loop(tree.leaf_weights, rows)),
        Case("welch, n 2000", "scipy ttest_ind", "calls", 1,
             lambda: welch(x[:, 0], y), lambda: stats.ttest_ind(x[:, 0], y, equal_var=False).confidence_interval()),
        Case("mann_whitney, n 2000", "scipy mannwhitneyu (no interval)", "calls", 1,
             lambda: mann_whitney(x[:, 0], y), lambda: stats.mannwhitneyu(x[:, 0], y)),
        Case("regress, 2000 x 6", "statsmodels OLS", "calls", 1,
             lambda: regress(y, x), lambda: sm.OLS(y, sm.add_constant(x)).fit().conf_int()),
        Case("cluster, 5000 x 4, k 4", "scikit-learn KMeans, 10 starts", "calls", 1,
             lambda: cluster(table, 4), lambda: KMeans(4, n_init=10, random_state=0).fit(table)),
        Case("frequent_sets, 5000 x 30, support 5 %", "mlxtend apriori", "calls", 1,
             lambda: frequent_sets(baskets, 0.05), lambda: apriori(frame, 0.05, max_len=4)),
    ]  # fmt: skip


def main() -> int:
    print(f"{'what':<38} {'rate':>18} {'against':<34} {'ratio':>8}   (ratio above 1: faster than the baseline)")
    for case in [*describing(), *structuring()]:
        ours, theirs = seconds(case)
        rate = f"{case.work / ours:,.0f} {case.unit}/s"
        print(f"{case.name:<38} {rate:>18} {case.baseline:<34} {theirs / ours:>7.2f}x", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
