"""Verdicts, change points and localisation: how right and how fast, each against a named baseline in the same run.

    python bench/quality_effect.py [null actions, 300 by default]

Baselines: Welch's test repeated daily (scipy), a least-squares fit with HAC errors repeated daily (statsmodels), PELT
of ruptures on the same cost, the unobserved-components fit of statsmodels.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import ruptures
import statsmodels.api as sm
from andon_quality.contribution import localize
from andon_quality.effect import Verdict, begin, look, structural
from andon_quality.trend import SegmentModel, pelt
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
BASELINE_DAYS, FOLLOW_UP_DAYS = 364, 90


def days(rng: np.random.Generator, shift: float) -> Array:
    """AR(1) with phi up to 0.6, as in the tests but without season, so that both sides may be compared."""
    phi = rng.uniform(0.0, 0.6)
    values = np.zeros(BASELINE_DAYS + FOLLOW_UP_DAYS)
    noise = rng.normal(size=values.size) * np.sqrt(1 - phi * phi)
    for day in range(1, values.size):
        values[day] = phi * values[day - 1] + noise[day]
    values[BASELINE_DAYS:] -= shift
    return values


def ours_ever_improved(values: Array) -> bool:
    watch = begin(values[:BASELINE_DAYS])
    for value in values[BASELINE_DAYS:]:
        watch, effect = look(watch, float(value))
        if effect.verdict is Verdict.IMPROVED:
            return True
    return False


def welch_ever_improved(values: Array) -> bool:
    before = values[:BASELINE_DAYS]
    looks = range(BASELINE_DAYS + 7, values.size + 1)
    tests = (stats.ttest_ind(values[BASELINE_DAYS:end], before, equal_var=False, alternative="less") for end in looks)
    return any(test.pvalue < 0.05 for test in tests)


def hac_once(values: Array) -> float:
    design = np.column_stack([np.ones(values.size), np.arange(values.size) >= BASELINE_DAYS])
    return float(sm.OLS(values, design).fit(cov_type="HAC", cov_kwds={"maxlags": 8}).bse[1])


def seconds(work: Callable[[], object], repeats: int) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - began) / repeats


def peeking(runs: int) -> None:
    rng = np.random.default_rng(1)
    null = [days(rng, 0.0) for _ in range(runs)]
    ours = float(np.mean([ours_ever_improved(values) for values in null]))
    welch = float(np.mean([welch_ever_improved(values) for values in null]))
    print(f"false improved, ever, {FOLLOW_UP_DAYS} daily looks: {ours:.3f} ours, {welch:.3f} Welch repeated")


def looks() -> None:
    values = days(np.random.default_rng(2), 0.5)
    watch = begin(values[:BASELINE_DAYS])
    ours, theirs = seconds(lambda: look(watch, 0.1), 3000), seconds(lambda: hac_once(values), 30)
    print(f"one look: {ours * 1e6:.0f} us ours, {theirs * 1e6:.0f} us HAC refit of statsmodels, {theirs / ours:.0f}x")


def counterfactual() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=200).cumsum() / 3
    y = 2 * x + rng.normal(size=200)
    ours = seconds(lambda: structural(y, 150, x), 5)
    theirs = seconds(lambda: sm.tsa.UnobservedComponents(y[:150], "llevel", exog=x[:150]).fit(disp=0), 5)
    print(f"counterfactual: {ours * 1e3:.0f} ms ours, {theirs * 1e3:.0f} ms fit of statsmodels, {theirs / ours:.1f}x")


def change_points() -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.normal(level, 1, 200) for level in (0, 3, 1, 4, 2)])
    ours = seconds(lambda: pelt(values, SegmentModel.MEAN), 3)
    theirs = seconds(lambda: ruptures.Pelt(model="l2", min_size=8, jump=1).fit(values).predict(pen=14.0), 3)
    print(f"PELT on 1,000 points: {ours * 1e3:.0f} ms ours, {theirs * 1e3:.0f} ms ruptures, {theirs / ours:.1f}x")


def localisation() -> None:
    rng = np.random.default_rng(5)
    rows = 10_000
    columns = {name: rng.integers(0, 6, rows).tolist() for name in ("cdn", "bitrate", "device", "isp", "p2p")}
    period = rng.integers(0, 20, rows)
    n = rng.integers(1, 100, rows)
    k = rng.binomial(n, 0.05)
    took = seconds(lambda: localize(columns, period, k, n, 19), 3)
    print(f"localisation over 10,000 rows of five attributes: {took * 1e3:.0f} ms")


def main() -> None:
    peeking(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
    looks()
    counterfactual()
    change_points()
    localisation()


if __name__ == "__main__":
    main()
