"""The streaming detector: points per second and alarms on labelled disturbances, against baselines in the same run.

    python bench/quality_anomaly.py

Baselines: a plain loop that keeps mean and deviation of the last 1,000 points in a deque and alarms beyond 4
deviations, and river's Gaussian scorer with the same window, which does the nearest to it. The series is noise with a
daily season and 21 disturbances in turn (a spike, a level shift, a burst of spread); found is the share of these
with an alarm within 60 points, and an alarm more than 150 points after any start is false.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from statistics import median

import numpy as np
from andon_quality.anomaly import detect
from numpy.typing import NDArray
from river import anomaly

Array = NDArray[np.float64]
POINTS, DAY, WINDOW, WITHIN, ROUNDS = 20_000, 96, 1000, 60, 5


def disturbed(rng: np.random.Generator) -> tuple[Array, list[int]]:
    time_of_day = np.arange(POINTS) % DAY / DAY
    values = 10 * np.sin(2 * np.pi * time_of_day) + rng.normal(size=POINTS)
    starts = np.arange(1200, POINTS - 400, 900) + rng.integers(0, 300, len(range(1200, POINTS - 400, 900)))
    for i, start in enumerate(starts):
        if i % 3 == 0:
            values[start : start + 2] += 30.0
        elif i % 3 == 1:
            values[start : start + 40] += 15.0
        else:
            values[start : start + 40] += rng.normal(0, 12, 40)
    return values, starts.tolist()


def plain_loop(values: Array) -> Array:
    past: deque[float] = deque(maxlen=WINDOW)
    total = squares = 0.0
    flags = np.zeros(values.size)
    for i, value in enumerate(values.tolist()):
        if len(past) == WINDOW:
            mean = total / WINDOW
            deviation = max(squares / WINDOW - mean * mean, 1e-12) ** 0.5
            flags[i] = abs(value - mean) > 4 * deviation
            total, squares = total - past[0], squares - past[0] ** 2
        past.append(value)
        total, squares = total + value, squares + value * value
    return flags


def river_gaussian(values: Array) -> Array:
    scorer = anomaly.GaussianScorer(window_size=WINDOW, grace_period=WINDOW)  # type: ignore[no-untyped-call]
    flags = np.zeros(values.size)
    for i, value in enumerate(values.tolist()):
        flags[i] = scorer.score_one(None, value) > 0.9999  # type: ignore[no-untyped-call]
        scorer.learn_one(None, value)  # type: ignore[no-untyped-call]
    return flags


def judged(flags: Array, starts: list[int]) -> tuple[float, int]:
    alarms = np.flatnonzero(flags)
    found = [bool(((alarms >= start) & (alarms < start + WITHIN)).any()) for start in starts]
    near = [bool(any(start <= alarm < start + 150 for start in starts)) for alarm in alarms]
    return float(np.mean(found)), len(near) - sum(near)


def seconds(method: Callable[[Array], Array], values: Array) -> float:
    began = time.process_time()
    method(values)
    return time.process_time() - began


def main() -> None:
    values, starts = disturbed(np.random.default_rng(1))
    methods: dict[str, Callable[[Array], Array]] = {
        "plain loop": plain_loop,
        "river GaussianScorer": river_gaussian,
        "andon_quality.anomaly": lambda series: detect(series, season=DAY).flags.astype(np.float64),
    }
    found = {name: judged(method(values), starts) for name, method in methods.items()}
    # Alternating, so that a busy machine slows all alike.
    rounds = [{name: seconds(method, values) for name, method in methods.items()} for _ in range(ROUNDS)]
    rates = {name: POINTS / median(each[name] for each in rounds) for name in methods}
    for name, rate in rates.items():
        ratio, (share, false) = rate / rates["plain loop"], found[name]
        print(f"{name:24s} {rate:10,.0f} points/s ({ratio:.2f}), found {share:.2f}, false alarms {false}")


if __name__ == "__main__":
    main()
