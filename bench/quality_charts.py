"""How fast charts take new points, beside plain loops and river doing the same in the same run."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from andon_quality import rules
from andon_quality.control import cusum, ewma, proportion, xmr
from numpy.typing import NDArray

SMOOTHING, WIDTH, REFERENCE, INTERVAL = 0.2, 3.0, 0.5, 5.0


@dataclass(frozen=True)
class Measured:
    """One way to chart so many points: seconds of its best run, and how many times the baseline takes of them."""

    shape: str
    chart: str
    way: str
    points_per_s: float
    times_baseline: float


def main() -> None:
    """Measure both shapes and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000, help="series that get one point each")
    parser.add_argument("--points", type=int, default=1_000_000, help="points of the one long series")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line instead of a table")
    options = parser.parse_args()
    found = wide(options.series) + long(options.points)
    for row in found:
        print(json.dumps(asdict(row)) if options.json else _line(row))


def wide(series: int) -> list[Measured]:
    """Every series gets its next point: the streaming form, all series at once, against a loop over the series."""
    rng = np.random.default_rng(1)
    x = rng.normal(10, 2, size=(series, 1))
    frozen = xmr.baseline(rng.normal(10, 2, size=(series, 50)))
    shares = proportion.baseline(rng.binomial(200, 0.1, size=(series, 30)), 200)
    hits, sizes = rng.binomial(200, 0.1, size=(series, 1)).astype(float), np.full((series, 1), 200.0)
    centre, sigma = frozen.centre[:, None], frozen.sigma[:, None]
    x_state, e_state, c_state = xmr.start(frozen), ewma.start(frozen), cusum.start(frozen)
    r_state = rules.start(rules.WESTERN_ELECTRIC, (series,))
    ours: dict[str, Callable[[], Any]] = {
        "xmr": lambda: xmr.advance(frozen, x_state, x),
        "ewma": lambda: ewma.advance(frozen, e_state, x, SMOOTHING),
        "cusum": lambda: cusum.advance(frozen, c_state, x),
        "p": lambda: proportion.chart(shares, hits, sizes),
        "western electric": lambda: rules.advance(rules.WESTERN_ELECTRIC, r_state, x, centre, sigma),
    }
    loops = _loops_over_series(x[:, 0], frozen, shares, hits[:, 0])
    return _compare(f"{series:,} series x 1 point", series, ours, loops)


def long(points: int) -> list[Measured]:
    """One series of many points at once, against a loop over the points."""
    rng = np.random.default_rng(2)
    x = rng.normal(10, 2, size=points)
    frozen = xmr.baseline(rng.normal(10, 2, size=50))
    shares = proportion.baseline(rng.binomial(200, 0.1, size=30), 200)
    hits, sizes = rng.binomial(200, 0.1, size=points).astype(float), np.full(points, 200.0)
    ours: dict[str, Callable[[], Any]] = {
        "xmr": lambda: xmr.advance(frozen, xmr.start(frozen), x),
        "ewma": lambda: ewma.chart(frozen, x, SMOOTHING),
        "cusum": lambda: cusum.chart(frozen, x),
        "p": lambda: proportion.chart(shares, hits, sizes),
        "western electric": lambda: rules.fire(rules.WESTERN_ELECTRIC, x, frozen.centre, frozen.sigma),
    }
    loops = _loops_over_points(x, frozen, shares, hits)
    return _compare(f"1 series x {points:,} points", points, ours, loops)


Step = Callable[..., Any]
Loops = dict[str, dict[str, Callable[[], Any]]]


def _loops_over_series(
    x: NDArray[np.float64], frozen: xmr.XmrBaseline, shares: proportion.ProportionBaseline, hits: NDArray[np.float64]
) -> Loops:
    """Each series on its own, as one would write it for one stream: in numpy scalars and in Python floats."""
    numbers = (x, frozen.centre, frozen.sigma, shares.centre, hits)
    floats = tuple(column.tolist() for column in numbers)

    def over(step: Step, columns: tuple[Any, ...]) -> Callable[[], Any]:
        return lambda: [step(*row) for row in zip(*columns, strict=True)]

    steps: dict[str, Step] = {
        "xmr": _xmr_step,
        "ewma": _ewma_step,
        "cusum": _cusum_step,
        "p": _p_step,
        "western electric": _rule_step,
    }
    found: Loops = {
        name: {"numpy loop": over(step, numbers), "python loop": over(step, floats)} for name, step in steps.items()
    }
    found["ewma"]["river"] = _river_per_series(floats[0])
    return found


def _loops_over_points(
    x: NDArray[np.float64], frozen: xmr.XmrBaseline, shares: proportion.ProportionBaseline, hits: NDArray[np.float64]
) -> Loops:
    def carried(
        step: Callable[..., Any], first: tuple[Any, ...], points: Any, centre: Any, sigma: Any
    ) -> Callable[[], Any]:
        def run() -> list[Any]:
            state, out = first, []
            for value in points:
                result = step(value, centre, sigma, 0.1, 20.0, *state)
                out.append(result)
                state = result[0]
            return out

        return run

    floats, centre, sigma = x.tolist(), float(frozen.centre), float(frozen.sigma)
    steps: dict[str, tuple[Step, tuple[Any, ...]]] = {
        "xmr": (_xmr_step, (10.0,)),
        "ewma": (_ewma_step, (10.0, 0.0)),
        "cusum": (_cusum_step, (0.0, 0.0)),
    }
    found: Loops = {
        name: {
            "numpy loop": carried(step, first, x, frozen.centre, frozen.sigma),
            "python loop": carried(step, first, floats, centre, sigma),
        }
        for name, (step, first) in steps.items()
    }
    p = float(shares.centre)
    found["p"] = {
        "numpy loop": lambda: [_p_step(0.0, centre, sigma, p, count) for count in hits],
        "python loop": lambda: [_p_step(0.0, centre, sigma, p, count) for count in hits.tolist()],
    }
    found["western electric"] = {"python loop": lambda: _rules_by_hand(floats, centre, sigma)}
    found["ewma"]["river"] = _river_one_series(floats)
    return found


def _xmr_step(x: Any, centre: Any, sigma: Any, p: Any, count: Any, last: Any = 10.0) -> Any:
    moving = abs(x - last)
    lower, upper, top = centre - WIDTH * sigma, centre + WIDTH * sigma, 3.686 * sigma
    return (x,), x, moving, lower, upper, top, x > upper or x < lower, moving > top


def _ewma_step(x: Any, centre: Any, sigma: Any, p: Any, count: Any, z: Any = 10.0, variance: Any = 0.0) -> Any:
    z = (1 - SMOOTHING) * z + SMOOTHING * x
    variance = (1 - SMOOTHING) ** 2 * variance + SMOOTHING**2
    half = WIDTH * sigma * variance**0.5
    return (z, variance), z, centre - half, centre + half, abs(z - centre) > half


def _cusum_step(x: Any, centre: Any, sigma: Any, p: Any, count: Any, high: Any = 0.0, low: Any = 0.0) -> Any:
    z = (x - centre) / sigma
    high, low = max(0.0, high + z - REFERENCE), max(0.0, low - z - REFERENCE)
    return (high, low), high, -low, high > INTERVAL, low > INTERVAL


def _p_step(x: Any, centre: Any, sigma: Any, p: Any, count: Any) -> Any:
    share, half = count / 200.0, WIDTH * (p * (1 - p) / 200.0) ** 0.5
    lower, upper = max(0.0, p - half), min(1.0, p + half)
    return share, lower, upper, share > upper or share < lower


def _rule_step(x: Any, centre: Any, sigma: Any, p: Any, count: Any) -> Any:
    return _rules_at([0.0] * 7 + [(x - centre) / sigma], 7)


def _rules_by_hand(x: list[float], centre: float, sigma: float) -> list[tuple[bool, ...]]:
    z = [0.0] * 7 + [(value - centre) / sigma for value in x]
    return [_rules_at(z, t) for t in range(7, len(z))]


def _rules_at(z: list[float], t: int) -> tuple[bool, ...]:
    """The four Western Electric rules at point t, each window looked at again."""
    found = [abs(z[t]) > 3]
    for k, n, zone in ((2, 3, 2.0), (4, 5, 1.0), (8, 8, 0.0)):
        window = z[t - n + 1 : t + 1]
        up, down = sum(v > zone for v in window), sum(v < -zone for v in window)
        found.append((z[t] > zone and up >= k) or (z[t] < -zone and down >= k))
    return tuple(found)


def _river_per_series(x: list[float]) -> Callable[[], Any]:
    from river import stats

    means = [stats.EWMean(SMOOTHING) for _ in x]

    def run() -> None:
        for mean, value in zip(means, x, strict=True):
            mean.update(value)

    return run


def _river_one_series(x: list[float]) -> Callable[[], Any]:
    from river import stats

    def run() -> list[float]:
        mean, out = stats.EWMean(SMOOTHING), []
        for value in x:
            mean.update(value)
            out.append(mean.get())
        return out

    return run


def _compare(shape: str, points: int, ours: dict[str, Callable[[], Any]], loops: Loops) -> list[Measured]:
    found = []
    for chart, run in ours.items():
        mine = _best(run, 5)
        found.append(Measured(shape, chart, "andon_quality", points / mine, 1.0))
        for way, loop in loops[chart].items():
            seconds = _best(loop, 1 if points > 100_000 else 3)
            found.append(Measured(shape, chart, way, points / seconds, seconds / mine))
    return found


def _best(run: Callable[[], Any], times: int) -> float:
    """Seconds of the fastest of `times` runs after one to warm up."""
    if times > 1:
        run()
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def _line(row: Measured) -> str:
    against = "" if row.way == "andon_quality" else f"   andon_quality is {row.times_baseline:6.1f} x as fast"
    return f"{row.shape:26} {row.chart:17} {row.way:14} {row.points_per_s:14,.0f} points/s{against}"


if __name__ == "__main__":
    main()
