"""Run lengths per second and limits per second, each against a named baseline in the same run.

    python bench/quality_arl.py

Baselines: a plain Markov chain (Brook and Evans 1972) of 201 states where the state is one number, else a vectorised
numpy simulation of 10,000 runs, which is good for about 1 %. `error` is the baseline's, relative to the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from andon_quality import arl
from numpy.typing import NDArray

Array = NDArray[np.float64]
Step = Callable[[np.random.Generator, Array], tuple[Array, NDArray[np.bool_]]]
WESTERN = ("WE1", "WE2", "WE3", "WE4")
STATES = 201
RUNS = 10_000


@dataclass(frozen=True)
class Case:
    """A call of the engine, what it is compared with, and the inverse call where there is one."""

    name: str
    call: Callable[[], float]
    baseline: Callable[[], float]
    against: str
    design: Callable[[], float] | None = None


def chain(low: float, high: float, keeps: float, gain: float, drift: float, shift: float, start: float) -> float:
    """A chain of equal cells for Z' = max(low, keeps Z + gain (X - drift)), alarm outside [low, high]."""
    from scipy.special import ndtr

    # A barrier at zero is a state of its own, the middle of a cell that reaches as far below it.
    width = (high - low) / (STATES - 0.5 if low == 0.0 else STATES)
    edges = (low - 0.5 * width if low == 0.0 else low) + width * np.arange(STATES + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    below = ndtr((edges - keeps * middle[:, None]) / gain + drift - shift)
    kernel = np.diff(below, axis=1)
    if low == 0.0:
        kernel[:, 0] = below[:, 1]
    means = np.linalg.solve(np.eye(STATES) - kernel, np.ones(STATES))
    return float(np.interp(start, middle, means))


def one_sided_chain(k: float, h: float, shift: float) -> float:
    return chain(0.0, h, 1.0, 1.0, k, shift, 0.0)


def two_sided_chain(k: float, h: float, shift: float) -> float:
    return 1.0 / (1.0 / one_sided_chain(k, h, shift) + 1.0 / one_sided_chain(k, h, -shift))


def ewma_chain(smoothing: float, limit: float, shift: float) -> float:
    half = limit * np.sqrt(smoothing / (2.0 - smoothing))
    return chain(-half, half, 1.0 - smoothing, smoothing, 0.0, shift, 0.0)


def simulated(step: Step, start: Array) -> Callable[[], float]:
    def run() -> float:
        rng = np.random.default_rng(1)
        state, points = start.copy(), 0
        while len(state):
            points += len(state)
            state, alarm = step(rng, state)
            state = state[~alarm]
        return points / len(start)

    return run


def western_step(rng: np.random.Generator, past: Array) -> tuple[Array, NDArray[np.bool_]]:
    past = np.hstack([past[:, 1:], rng.standard_normal((len(past), 1))])
    alarm = np.abs(past[:, -1]) > 3.0
    for side in (past, -past):
        alarm |= (side[:, -3:] > 2.0).sum(axis=1) >= 2
        alarm |= (side[:, -5:] > 1.0).sum(axis=1) >= 4
        alarm |= (side > 0.0).all(axis=1)
    return past, alarm


def range_step(rng: np.random.Generator, before: Array) -> tuple[Array, NDArray[np.bool_]]:
    x = rng.standard_normal(len(before))
    return x, (np.abs(x) > 3.0) | (np.abs(x - before) > 3.6863)


def ar1_step(rng: np.random.Generator, before: Array) -> tuple[Array, NDArray[np.bool_]]:
    x = 0.4 * before + np.sqrt(0.84) * rng.standard_normal(len(before))
    return x, np.abs(x) > 3.0


def mewma_step(shift: float) -> Step:
    def step(rng: np.random.Generator, before: Array) -> tuple[Array, NDArray[np.bool_]]:
        x = rng.standard_normal(before.shape)
        x[:, 0] += shift
        z = 0.9 * before + 0.1 * x
        return z, np.asarray((z * z).sum(axis=1) > 12.73 * 0.1 / 1.9)

    return step


def s2_cusum_step(rng: np.random.Generator, before: Array) -> tuple[Array, NDArray[np.bool_]]:
    c = np.maximum(0.0, before + rng.chisquare(1, len(before)) - 1.46)
    return c, c > 10.0


def s2_ewma_step(rng: np.random.Generator, before: Array) -> tuple[Array, NDArray[np.bool_]]:
    z = 0.9 * before + 0.1 * rng.chisquare(4, len(before)) / 4
    return z, z > 1.0 + 2.4 * np.sqrt(0.1 / 1.9 * 0.5)


def poisson_step(rng: np.random.Generator, before: Array) -> tuple[Array, NDArray[np.bool_]]:
    c = np.maximum(0.0, before + rng.poisson(0.25, len(before)) - 0.25)
    return c, c >= 10.0


def binomial_step(rng: np.random.Generator, before: Array) -> tuple[Array, NDArray[np.bool_]]:
    c = np.maximum(0.0, before + rng.binomial(20, 0.05, len(before)) - 1.5)
    return c, c >= 5.0


def roberts_step(rng: np.random.Generator, before: Array) -> tuple[Array, NDArray[np.bool_]]:
    r = (1.0 + before) * np.exp(rng.standard_normal(len(before)) - 0.5)
    return r, r >= 200.0


CHAIN, SIMULATION = f"chain of {STATES}", f"simulation of {RUNS:,}"
ZEROS, ONES = np.zeros(RUNS), np.ones(RUNS)
CASES = [
    Case(
        "shewhart, rule 1",
        lambda: arl.shewhart(["WE1"], 1.0),
        lambda: arl.shewhart_run(["WE1"], 1.0).mean(),
        "dense solve",
        lambda: arl.design_shewhart(["WE1"], 500.0),
    ),
    Case(
        "shewhart, four rules",
        lambda: arl.shewhart(WESTERN),
        simulated(western_step, np.full((RUNS, 8), np.nan)),
        SIMULATION,
        lambda: arl.design_shewhart(WESTERN, 200.0),
    ),
    Case(
        "cusum",
        lambda: arl.cusum(0.5, 4.0),
        lambda: two_sided_chain(0.5, 4.0, 0.0),
        CHAIN,
        lambda: arl.design_cusum(0.5, 500.0),
    ),
    Case(
        "cusum, one-sided",
        lambda: arl.cusum(0.5, 4.0, 1.0, sided="one"),
        lambda: one_sided_chain(0.5, 4.0, 1.0),
        CHAIN,
        lambda: arl.design_cusum(0.5, 500.0, sided="one"),
    ),
    Case(
        "ewma",
        lambda: arl.ewma(0.1, 2.7),
        lambda: ewma_chain(0.1, 2.7, 0.0),
        CHAIN,
        lambda: arl.design_ewma(0.1, 500.0),
    ),
    Case("ewma, shift 1", lambda: arl.ewma(0.1, 2.7, 1.0), lambda: ewma_chain(0.1, 2.7, 1.0), CHAIN),
    Case(
        "ewma, varying limits",
        lambda: arl.ewma(0.25, 2.8, 0.0, "varying"),
        lambda: ewma_chain(0.25, 2.8, 0.0),
        CHAIN + ", fixed",
        lambda: arl.design_ewma(0.25, 500.0, "varying"),
    ),
    Case(
        "shewhart_ar1",
        lambda: arl.shewhart_ar1(0.4, 3.0),
        simulated(ar1_step, ZEROS),
        SIMULATION,
        lambda: arl.design_shewhart_ar1(0.4, 500.0),
    ),
    Case(
        "individuals_range",
        lambda: arl.individuals_range(3.0),
        simulated(range_step, np.full(RUNS, np.nan)),
        SIMULATION,
        lambda: arl.design_individuals_range(370.0),
    ),
    Case(
        "mewma",
        lambda: arl.mewma(0.1, 12.73, 4),
        simulated(mewma_step(0.0), np.zeros((RUNS, 4))),
        SIMULATION,
        lambda: arl.design_mewma(0.1, 200.0, 4),
    ),
    Case(
        "mewma, shift 1",
        lambda: arl.mewma(0.1, 12.73, 4, 1.0),
        simulated(mewma_step(1.0), np.zeros((RUNS, 4))),
        SIMULATION,
    ),
    Case(
        "poisson_cusum",
        lambda: arl.poisson_cusum(0.25, 10.0, 0.25),
        simulated(poisson_step, ZEROS),
        SIMULATION,
        lambda: arl.design_poisson_cusum(0.25, 500.0, 0.2),
    ),
    Case(
        "binomial_cusum",
        lambda: arl.binomial_cusum(1.5, 5.0, 20, 0.05),
        simulated(binomial_step, ZEROS),
        SIMULATION,
        lambda: arl.design_binomial_cusum(1.5, 500.0, 20, 0.05),
    ),
    Case(
        "s2_cusum",
        lambda: arl.s2_cusum(1, 1.46, 10.0),
        simulated(s2_cusum_step, ZEROS),
        SIMULATION,
        lambda: arl.design_s2_cusum(1, 1.46, 250.0),
    ),
    Case(
        "s2_ewma",
        lambda: arl.s2_ewma(4, 0.1, 2.4),
        simulated(s2_ewma_step, ONES),
        SIMULATION,
        lambda: arl.design_s2_ewma(4, 0.1, 250.0),
    ),
    Case(
        "shiryaev_roberts",
        lambda: arl.shiryaev_roberts(0.5, 200.0),
        simulated(roberts_step, ZEROS),
        SIMULATION,
        lambda: arl.design_shiryaev_roberts(0.5, 500.0),
    ),
]


def best_s(call: Callable[[], float], tries: int) -> tuple[float, float]:
    value, best = call(), np.inf
    for _ in range(tries):
        began = time.perf_counter()
        value = call()
        best = min(best, time.perf_counter() - began)
    return value, best


def main() -> None:
    print("| scheme | ARL | calls/s | ms | baseline | its ms | its error | times faster | design ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        value, own_s = best_s(case.call, 20)
        other, other_s = best_s(case.baseline, 1 if case.against == SIMULATION else 5)
        design = f"{1e3 * best_s(case.design, 5)[1]:.2f}" if case.design else ""
        own = f"| {case.name} | {value:.6g} | {1 / own_s:,.0f} | {1e3 * own_s:.2f} |"
        print(own, f"{case.against} | {1e3 * other_s:.1f} | {abs(other / value - 1):.0e} |", end=" ")
        print(f"{other_s / own_s:.0f} | {design} |", flush=True)
    print_calibration()


def print_calibration() -> None:
    from andon_quality.calibration import calibrate

    rng = np.random.default_rng(1)
    lognormal, counts = np.exp(0.5 * rng.standard_normal(200)), rng.poisson(8.0, 200).astype(np.float64)
    for name, call in (
        ("lognormal, 200 points", lambda: calibrate(lognormal, 370.0).upper),
        ("counts, 200 points", lambda: calibrate(counts, 370.0, "count").upper),
    ):
        print(f"\nCalibration at 370, {name}: {best_s(call, 3)[1]:.2f} s", end="")
    exact = best_s(lambda: arl.design_cusum(0.5, 370.0, phase1_size=100), 3)[1]
    print(f"\nCUSUM interval for limits from 100 normal points, exact: {1e3 * exact:.0f} ms")


if __name__ == "__main__":
    main()
