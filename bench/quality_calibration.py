"""Requested against realised in-control run lengths, and delays, over families of streams; prints a Markdown table.

    python bench/quality_calibration.py [--baselines 40] [--requested 370] [--only NAME] [--processes 2]

The baseline of comparison in the same run is the textbook individuals chart (mean +- 2.66 mean moving ranges of the
same baseline), judging the same futures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from andon_quality.calibration import calibrate
from andon_quality.calibration.bootstrap import mean_run
from andon_quality.calibration.process import Values
from numpy.typing import NDArray

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int, float, Array], Array]
WEEK = 168
FUTURES = 25
SHIFTS = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Family:
    """`draw(rng, time, streams, shift in sigma, sizes)` gives values of shape (time, streams)."""

    name: str
    draw: Draw
    points: int = 200
    kind: Values = "continuous"
    sizes: tuple[int, int] | None = None
    season: bool = False
    missing: float = 0.0


def gaussian(
    rng: np.random.Generator, shape: tuple[int, int], phi: tuple[float, ...] = (), theta: float = 0.0
) -> Array:
    """A stationary ARMA process with standard deviation 1, shape (time, streams)."""
    from scipy.signal import lfilter

    if not phi and not theta:
        return rng.standard_normal(shape)
    numerator, denominator = [1.0, theta], np.concatenate([[1.0], -np.array(phi)])
    impulse = lfilter(numerator, denominator, np.eye(1, 4000)[0])
    new = rng.standard_normal((shape[0] + 300, shape[1]))
    return np.asarray(lfilter(numerator, denominator, new, axis=0)[300:] / np.sqrt((impulse**2).sum()))


def normal(phi: tuple[float, ...] = (), theta: float = 0.0) -> Draw:
    return lambda rng, time, streams, shift, sizes: 10.0 + gaussian(rng, (time, streams), phi, theta) + shift


def lognormal(sigma: float, phi: tuple[float, ...] = ()) -> Draw:
    sd = np.sqrt((np.exp(sigma**2) - 1.0) * np.exp(sigma**2))
    return lambda rng, time, streams, shift, sizes: np.exp(sigma * gaussian(rng, (time, streams), phi)) + shift * sd


def gamma(shape: float) -> Draw:
    return lambda rng, time, streams, shift, sizes: rng.gamma(shape, 1.0, (time, streams)) + shift * np.sqrt(shape)


def weibull(shape: float) -> Draw:
    sd = np.random.default_rng(0).weibull(shape, 200_000).std()
    return lambda rng, time, streams, shift, sizes: np.asarray(rng.weibull(shape, (time, streams)) + shift * sd)


def student(df: int) -> Draw:
    sd = np.sqrt(df / (df - 2))
    return lambda rng, time, streams, shift, sizes: np.asarray(rng.standard_t(df, (time, streams)) + shift * sd)


def laplace(rng: np.random.Generator, time: int, streams: int, shift: float, sizes: Array) -> Array:
    return np.asarray(rng.laplace(0.0, 1.0, (time, streams)) + shift * np.sqrt(2.0))


def uniform(rng: np.random.Generator, time: int, streams: int, shift: float, sizes: Array) -> Array:
    return np.asarray(rng.uniform(0.0, 1.0, (time, streams)) + shift / np.sqrt(12.0))


def poisson(mean: float, alpha: float = 0.0, zeros: float = 0.0) -> Draw:
    """Poisson, negative binomial for alpha > 0, with extra zeros; the shift is in sigma at a typical size."""

    def draw(rng: np.random.Generator, time: int, streams: int, shift: float, sizes: Array) -> Array:
        typical = mean * sizes.mean()
        sd = np.sqrt((1.0 - zeros) * (typical + typical**2 * (alpha + zeros)))
        expected = np.broadcast_to(
            (sizes * mean * (1.0 + shift * sd / ((1.0 - zeros) * typical)))[:, None], (time, streams)
        )
        if alpha:
            expected = expected * rng.gamma(1.0 / alpha, alpha, (time, streams))
        return np.asarray(np.where(rng.random((time, streams)) < zeros, 0.0, rng.poisson(expected)))

    return draw


def autocorrelated_counts(mean: float, log_sd: float, phi: float) -> Draw:
    sd = np.sqrt(mean + mean**2 * np.expm1(log_sd**2))

    def draw(rng: np.random.Generator, time: int, streams: int, shift: float, sizes: Array) -> Array:
        wave = np.exp(log_sd * gaussian(rng, (time, streams), (phi,)) - 0.5 * log_sd**2)
        return np.asarray(rng.poisson((mean + shift * sd) * wave), dtype=np.float64)

    return draw


def binomial(chance: float, rho: float = 0.0) -> Draw:
    def draw(rng: np.random.Generator, time: int, streams: int, shift: float, sizes: Array) -> Array:
        sd = np.sqrt(chance * (1.0 - chance) * (1.0 + (sizes.mean() - 1.0) * rho) / sizes.mean())
        mean = min(chance + shift * sd, 0.99)
        p = rng.beta(mean * (1 / rho - 1), (1 - mean) * (1 / rho - 1), (time, streams)) if rho else mean
        return rng.binomial(np.broadcast_to(sizes[:, None].astype(int), (time, streams)), p).astype(np.float64)

    return draw


def weekly(time: int, strength: float) -> Array:
    """Busy working hours, quiet nights and weekends: not a product of an hour and a day."""
    phase = np.arange(time) % WEEK
    hour, day = phase % 24, phase // 24
    working = np.where((hour >= 8) & (hour < 18), 1.0, -0.6) * np.where(day < 5, 1.0, 0.25)
    return np.asarray(strength * (working + 0.3 * np.sin(2 * np.pi * hour / 24)))[:, None]


def seasonal_normal(phi: tuple[float, ...] = ()) -> Draw:
    return lambda rng, time, streams, shift, sizes: (
        20.0 + weekly(time, 3.0) + gaussian(rng, (time, streams), phi) + shift
    )


def seasonal_lognormal(sigma: float, phi: tuple[float, ...] = ()) -> Draw:
    sd = np.sqrt(np.expm1(sigma**2))
    return lambda rng, time, streams, shift, sizes: (
        np.exp(weekly(time, 0.7)) * (np.exp(sigma * gaussian(rng, (time, streams), phi) - 0.5 * sigma**2) + shift * sd)
    )


def seasonal_poisson(mean: float, alpha: float = 0.0) -> Draw:
    def draw(rng: np.random.Generator, time: int, streams: int, shift: float, sizes: Array) -> Array:
        expected = mean * np.exp(weekly(time, 0.8)) + np.zeros((1, streams))
        expected = expected + shift * np.sqrt(expected + alpha * expected**2)
        factor = rng.gamma(1.0 / alpha, alpha, (time, streams)) if alpha else 1.0
        return rng.poisson(expected * factor).astype(np.float64)

    return draw


def seasonal_binomial(chance: float) -> Draw:
    def draw(rng: np.random.Generator, time: int, streams: int, shift: float, sizes: Array) -> Array:
        p = 1.0 / (1.0 + np.exp(-np.log(chance / (1.0 - chance)) - weekly(time, 0.4)))
        p = np.minimum(p + shift * np.sqrt(p * (1.0 - p) / sizes.mean()), 0.99)
        return rng.binomial(np.broadcast_to(sizes[:, None].astype(int), (time, streams)), p).astype(np.float64)

    return draw


FAMILIES = [
    *(Family(f"normal, {points} points", normal(), points) for points in (50, 100, 200, 500, 1000)),
    *(Family(f"AR(1) {phi}", normal((phi,)), 300) for phi in (-0.4, 0.25, 0.5, 0.75, 0.9)),
    Family("AR(1) 0.5, 100 points", normal((0.5,)), 100),
    Family("AR(2) 0.5 0.3", normal((0.5, 0.3)), 400),
    Family("ARMA(1,1) 0.8 -0.4", normal((0.8,), -0.4), 400),
    *(Family(f"lognormal {sigma}", lognormal(sigma)) for sigma in (0.25, 0.5, 1.0)),
    Family("lognormal 0.5, 100 points", lognormal(0.5), 100),
    Family("lognormal 0.5, AR(1) 0.5", lognormal(0.5, (0.5,)), 300),
    *(Family(f"gamma, shape {shape}", gamma(shape)) for shape in (0.5, 1.0, 2.0, 5.0)),
    Family("Weibull, shape 1.5", weibull(1.5)),
    Family("Student t, 5 df", student(5), 300),
    Family("Student t, 10 df", student(10)),
    Family("Laplace", laplace, 300),
    Family("uniform", uniform),
    *(Family(f"Poisson {mean}", poisson(mean), kind="count") for mean in (0.5, 2.0, 10.0, 50.0)),
    Family("Poisson 10, 50 points", poisson(10.0), 50, "count"),
    Family("negative binomial 2, alpha 1", poisson(2.0, 1.0), kind="count"),
    Family("negative binomial 5, alpha 0.2", poisson(5.0, 0.2), kind="count"),
    Family("negative binomial 20, alpha 0.1", poisson(20.0, 0.1), kind="count"),
    Family("Poisson 0.2 a unit, 10-60 units", poisson(0.2), kind="count", sizes=(10, 60)),
    Family("neg. binomial 0.2 a unit, 10-60 units", poisson(0.2, 0.3), kind="count", sizes=(10, 60)),
    Family("30 % zeros, else Poisson 3", poisson(3.0, 0.0, 0.3), kind="count"),
    Family("60 % zeros, else Poisson 5", poisson(5.0, 0.0, 0.6), 300, "count"),
    Family("40 % zeros, else neg. binomial 4, 0.3", poisson(4.0, 0.3, 0.4), 300, "count"),
    Family("counts 10 with autocorrelation 0.6", autocorrelated_counts(10.0, 0.4, 0.6), 400, "count"),
    Family("proportion 0.1 of 50", binomial(0.1), kind="proportion", sizes=(50, 50)),
    Family("proportion 0.02 of 100", binomial(0.02), kind="proportion", sizes=(100, 100)),
    Family("proportion 0.2 of 20 to 200", binomial(0.2), kind="proportion", sizes=(20, 200)),
    Family("proportion 0.1 of 20 to 200, rho 0.02", binomial(0.1, 0.02), kind="proportion", sizes=(20, 200)),
    Family("proportion 0.3 of 300 to 900, rho 0.01", binomial(0.3, 0.01), kind="proportion", sizes=(300, 900)),
    Family("hour of week, normal", seasonal_normal(), 6 * WEEK, season=True),
    Family("hour of week, normal, AR(1) 0.5", seasonal_normal((0.5,)), 6 * WEEK, season=True),
    Family("hour of week, lognormal 0.4", seasonal_lognormal(0.4), 6 * WEEK, season=True),
    Family("hour of week, lognormal 0.4, 3 weeks", seasonal_lognormal(0.4), 3 * WEEK, season=True),
    Family("hour of week, Poisson 8", seasonal_poisson(8.0), 6 * WEEK, "count", season=True),
    Family("hour of week, neg. binomial 8, 0.2", seasonal_poisson(8.0, 0.2), 6 * WEEK, "count", season=True),
    Family(
        "hour of week, proportion 0.15 of 20 to 90", seasonal_binomial(0.15), 6 * WEEK, "proportion", (20, 90), True
    ),
    Family("normal, 10 % missing", normal(), missing=0.1),
    Family("AR(1) 0.5, 20 % missing", normal((0.5,)), 300, missing=0.2),
    Family("lognormal 0.5, 30 % missing", lognormal(0.5), 300, missing=0.3),
    Family("Poisson 5, 20 % missing", poisson(5.0), kind="count", missing=0.2),
    Family(
        "hour of week, lognormal 0.4, AR(1) 0.4, 10 % missing",
        seasonal_lognormal(0.4, (0.4,)),
        6 * WEEK,
        "continuous",
        None,
        True,
        0.1,
    ),
]


@dataclass(frozen=True)
class Realised:
    """What one family's charts did: run lengths with their horizon, delays per shift, the textbook chart's runs."""

    name: str
    points: int
    mean: float
    median: float
    delays: tuple[float, ...]
    textbook: float
    calibration_s: float


def measure(job: tuple[int, int, float, int]) -> Realised:
    at, baselines, requested, seed = job
    family = FAMILIES[at]
    rng = np.random.default_rng([seed, sum(map(ord, family.name))])
    horizon = int(8 * requested)
    runs, textbook, seconds = [], [], []
    delays: list[list[Array]] = [[] for _ in SHIFTS]
    for index in range(baselines):
        values, sizes, phase = observe(family, rng, family.points, 1, 0.0)
        began = time.perf_counter()
        chart = calibrate(values[:, 0], requested, family.kind, sizes, phase, seed=index)
        seconds.append(time.perf_counter() - began)
        future, sizes, phase = observe(family, rng, horizon, FUTURES, 0.0)
        runs.append(first_alarm(chart.monitor(future, sizes, phase).alarms))
        textbook.append(first_alarm(individuals_alarms(values[:, 0], future)))
        for kept, shift in zip(delays, SHIFTS, strict=True):
            shifted, sizes, phase = observe(family, rng, int(2 * requested), FUTURES, shift)
            kept.append(first_alarm(chart.monitor(shifted, sizes, phase).alarms))
    pooled = np.concatenate(runs)
    return Realised(
        family.name,
        family.points,
        mean_run(pooled, horizon),
        float(np.median(pooled)),
        tuple(mean_run(np.concatenate(kept), int(2 * requested)) for kept in delays),
        mean_run(np.concatenate(textbook), horizon),
        float(np.median(seconds)),
    )


def observe(
    family: Family, rng: np.random.Generator, count: int, streams: int, shift: float
) -> tuple[Array, Array | None, NDArray[np.int64] | None]:
    low, high = family.sizes or (1, 1)
    sizes = rng.integers(low, high + 1, count).astype(np.float64)
    values = family.draw(rng, count, streams, shift, sizes)
    if family.missing:
        values = np.where(rng.random((count, 1)) < family.missing, np.nan, values)
    phase = np.asarray(np.arange(count) % WEEK, dtype=np.int64)
    return values, None if family.sizes is None else sizes, phase if family.season else None


def first_alarm(alarms: NDArray[np.bool_]) -> Array:
    """Points to the first alarm of each stream; infinite where there was none."""
    return np.where(alarms.any(axis=0), alarms.argmax(axis=0) + 1.0, np.inf)


def individuals_alarms(baseline: Array, future: Array) -> NDArray[np.bool_]:
    reach = 2.66 * np.nanmean(np.abs(np.diff(baseline)))
    return np.abs(future - np.nanmean(baseline)) > reach


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baselines", type=int, default=40)
    parser.add_argument("--requested", type=float, default=370.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chosen = [at for at, family in enumerate(FAMILIES) if given.only in family.name]
    jobs = [(at, given.baselines, given.requested, given.seed) for at in chosen]
    print(f"Requested {given.requested:g}; {given.baselines} baselines with {FUTURES} futures each.\n")
    print("| family | baseline | mean run | median run | delay 0.5 | delay 1 | delay 2 | textbook mean run | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    found = []
    with ProcessPoolExecutor(given.processes) as pool:
        for row in pool.map(measure, jobs):
            found.append(row)
            delays = " | ".join(f"{delay:.1f}" for delay in row.delays)
            print(
                f"| {row.name} | {row.points} | {row.mean:.0f} | {row.median:.0f} | {delays} "
                f"| {row.textbook:.0f} | {row.calibration_s:.2f} |",
                flush=True,
            )
    ratios = np.array([row.mean for row in found]) / given.requested
    naive = np.array([row.textbook for row in found]) / given.requested
    print(f"\n{len(found)} families. Realised over requested mean run: median {np.median(ratios):.2f}, ", end="")
    print(f"{ratios.min():.2f} to {ratios.max():.2f}, {(np.abs(ratios - 1) <= 0.25).sum()} within 25 %; ", end="")
    print(f"textbook: median {np.median(naive):.2f}, {naive.min():.2f} to {naive.max():.2f}, ", end="")
    print(f"{(np.abs(naive - 1) <= 0.25).sum()} within 25 %.")


if __name__ == "__main__":
    main()
