"""What share of 95 % intervals hold the true value, by simulation: one line per method and family of data."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from andon_quality.describe import summary
from andon_quality.inference import (
    Interval,
    anova,
    chi_square,
    compare_proportions,
    compare_spread,
    hodges_lehmann,
    kruskal,
    mann_whitney,
    one_mean,
    welch,
)
from andon_quality.reliability import cohen, cronbach
from andon_quality.structure import Association, Errors, correlate, regress

DRAWS = 2000
SEED = 20_261
Random = np.random.Generator


@dataclass(frozen=True)
class Family:
    """A method on data whose true effect is known."""

    method: str
    data: str
    truth: float
    interval: Callable[[Random], Interval]


def spearman_of_normal(rho: float) -> float:
    return 6.0 / math.pi * math.asin(rho / 2.0)


def two_normal(random: Random, rho: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = random.normal(size=n)
    return x, rho * x + math.sqrt(1.0 - rho * rho) * random.normal(size=n)


def of_means() -> Iterator[Family]:
    skew = math.exp(0.125)
    yield Family("one_mean", "normal, n 15", 0.0, lambda r: one_mean(r.normal(5, 2, 15), 5.0).interval)
    yield Family("one_mean", "lognormal .5, n 60", skew, lambda r: one_mean(r.lognormal(0, 0.5, 60)).interval)
    yield Family("welch", "normal, sd 1 and 3, n 20, 30", 1.0,
                 lambda r: welch(r.normal(1, 1, 20), r.normal(0, 3, 30)).interval)  # fmt: skip
    yield Family("welch", "gamma 2, n 40, 40", 0.0, lambda r: welch(r.gamma(2, 1, 40), r.gamma(2, 1, 40)).interval)
    yield Family("summary median", "lognormal 1, n 50", 1.0, lambda r: summary(r.lognormal(0, 1, 50)).median_interval)
    yield Family("anova", "normal, 3 x 20, means 0 .5 1", 10 / 70,
                 lambda r: anova([r.normal(m, 1, 20) for m in (0.0, 0.5, 1.0)]).interval)  # fmt: skip


def of_ranks() -> Iterator[Family]:
    superior = 0.5 * math.erfc(-1.0 / math.sqrt(10.0) / math.sqrt(2.0))
    yield Family("mann_whitney", "normal, sd 1 and 3, n 20, 30", superior,
                 lambda r: mann_whitney(r.normal(1, 1, 20), r.normal(0, 3, 30)).interval)  # fmt: skip
    yield Family("mann_whitney", "grades 1-5, n 40, 40", 0.5,
                 lambda r: mann_whitney(r.integers(1, 6, 40), r.integers(1, 6, 40)).interval)  # fmt: skip
    yield Family("hodges_lehmann", "Laplace, shift 1, n 30, 30", 1.0,
                 lambda r: hodges_lehmann(r.laplace(1, 1, 30), r.laplace(0, 1, 30))[1])  # fmt: skip
    yield Family("kruskal", "normal, 3 x 30, no difference", 0.0,
                 lambda r: kruskal([r.normal(size=30) for _ in range(3)]).interval)  # fmt: skip
    yield Family("compare_spread", "Laplace, sd 2 : 1, n 40, 40", 2.0,
                 lambda r: compare_spread(r.laplace(0, 2, 40), r.laplace(0, 1, 40)).interval)  # fmt: skip


def of_counts() -> Iterator[Family]:
    joint = np.array([[0.2, 0.1, 0.1], [0.1, 0.2, 0.3]])
    alone = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    v = math.sqrt(((joint - alone) ** 2 / alone).sum())
    yield Family("chi_square V", "2 x 3, n 200", v,
                 lambda r: chi_square(r.multinomial(200, joint.ravel()).reshape(2, 3)).interval)  # fmt: skip
    yield Family("compare_proportions", ".9 and .7, n 50, 80", 0.2, difference_of_shares)
    yield Family("cohen", "3 grades, kappa .5, n 100", 0.5, kappa_of_half)


def difference_of_shares(random: Random) -> Interval:
    return compare_proportions((random.binomial(50, 0.9), 50), (random.binomial(80, 0.7), 80)).interval


def kappa_of_half(random: Random) -> Interval:
    first = random.integers(0, 3, 100)
    second = np.where(random.random(100) < 0.5, first, random.integers(0, 3, 100))
    return cohen(first, second, 3).interval


def of_structure() -> Iterator[Family]:
    yield Family("correlate Pearson", "normal .6, n 40", 0.6, lambda r: correlate(*two_normal(r, 0.6, 40)).interval)
    yield Family("correlate Spearman", "normal .6, n 40", spearman_of_normal(0.6),
                 lambda r: correlate(*two_normal(r, 0.6, 40), Association.SPEARMAN).interval)  # fmt: skip
    yield Family("cronbach", "5 parallel items, n 40", 5 / 6,
                 lambda r: cronbach(r.normal(size=(40, 5)) + r.normal(size=(40, 1))).interval)  # fmt: skip
    yield Family("regress HC3", "unequal spread, n 60", 1.0, lambda r: slope(r, Errors.HC3))
    yield Family("regress HAC", "AR(1) .5 in both, n 200", 1.0, lambda r: slope_in_time(r, Errors.HAC))
    yield Family("regress classic", "AR(1) .5 in both, n 200 (wrong)", 1.0, lambda r: slope_in_time(r, Errors.CLASSIC))


def slope(random: Random, errors: Errors) -> Interval:
    x = random.normal(size=60)
    fit = regress(x + np.abs(x) * random.normal(size=60), x, errors)
    return Interval(float(fit.lower[1]), float(fit.upper[1]))


def slope_in_time(random: Random, errors: Errors) -> Interval:
    weights = 0.5 ** np.arange(30)
    x, noise = (np.convolve(random.normal(size=229), weights, mode="valid") for _ in range(2))
    fit = regress(x + noise, x, errors)
    return Interval(float(fit.lower[1]), float(fit.upper[1]))


def main() -> int:
    print(f"{'method':<20} {'data':<34} {'truth':>8} {'covered':>8}   ({DRAWS} draws, seed {SEED}, error .5 points)")
    for family in [*of_means(), *of_ranks(), *of_counts(), *of_structure()]:
        random = np.random.default_rng(SEED)
        hits = sum(family.interval(random).contains(family.truth) for _ in range(DRAWS))
        print(f"{family.method:<20} {family.data:<34} {family.truth:>8.4f} {100.0 * hits / DRAWS:>7.1f} %", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
