"""Milliseconds and correct digits of one run length after another, over what a caller may ask for.

    python -m bench.quality_arl_grid

Digits: agreement with a value from a slower way to the same number, reproduced here to ten digits: twice the nodes, a
Poisson series instead of polynomials, every point of varying limits until nothing changes, a thousand baselines for
estimated limits. `before` is the time of that way on the machine of the reference page, where this one replaced it.
Processor time, best of 30, so that neighbours count little; one thread (OPENBLAS_NUM_THREADS=1).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from andon_quality import arl

WESTERN = ("WE1", "WE2", "WE3", "WE4")
NELSON = tuple(f"N{number}" for number in range(1, 9))
ZONES = ("N1", "N2", "N5", "N6", "N7", "N8")
Case = tuple[Callable[..., float], tuple[Any, ...], dict[str, Any], float, float | None]


def median(run_of: Callable[..., arl.RunLength], *arguments: Any, **options: Any) -> float:
    """Of a whole distribution, made and asked."""
    return float(run_of(*arguments, **options).quantile(0.5))


# The call, its arguments, the value, and the milliseconds of the slower way.
CASES: list[Case] = [
    (arl.cusum, (0.5, 5.0), {}, 465.4435060317, None),
    (arl.cusum, (0.125, 20.0), {}, 3076.609530527, None),
    (arl.cusum, (0.5, 5.0), {"phase1_size": 50}, 517.738770929, 44),
    (arl.cusum, (0.25, 8.0, 0.5), {"phase1_size": 200}, 30.100896452, 54),
    (arl.ewma, (0.1, 2.8), {}, 481.0029411015, None),
    (arl.ewma, (0.01, 2.2), {}, 792.2815706577, None),
    (arl.ewma, (0.1, 2.8, 0.0, "varying"), {}, 467.882614237, 2.0),
    (arl.ewma, (0.05, 2.6, 0.5, "varying"), {}, 22.920093424, 4.5),
    (arl.ewma, (0.02, 2.4, 0.0, "varying"), {}, 564.425678308, 14),
    (arl.ewma, (0.01, 2.2, 0.0, "varying"), {}, 603.166042265, 44),
    (arl.ewma, (0.1, 2.8), {"phase1_size": 50}, 401.158290656, 104),
    (arl.ewma, (0.02, 2.4), {"phase1_size": 100}, 414.288841785, 142),
    (median, (arl.cusum_run, 0.5, 4.0), {"phase1_size": 50}, 83.0, None),
    (median, (arl.ewma_run, 0.1, 2.8), {"phase1_size": 50}, 174.0, None),
    (median, (arl.shewhart_run, ("WE1",)), {"phase1_size": 30}, 187.0, None),
    (median, (arl.shewhart_run, WESTERN), {"phase1_size": 50}, 51.0, None),
    (arl.mewma, (0.1, 13.0, 4, 1.0), {}, 12.40784397, 4.7),
    (arl.mewma, (0.1, 24.0, 10, 1.0), {}, 17.33226088, 9.8),
    (arl.mewma, (0.05, 17.0, 6, 0.5), {}, 46.34396456, 18),
    (arl.mewma, (0.02, 13.0, 4, 1.0), {}, 21.22121830, 48),
    (arl.mewma, (0.01, 12.0, 4, 0.5), {}, 58.7884035, None),
    (arl.shewhart, (WESTERN, 1.0), {}, 9.2218599635, None),
    (arl.shewhart, (ZONES, 1.0), {}, 9.6977274861, None),
    (arl.shewhart, (("WE1",),), {"phase1_size": 100}, 455.913920369, 94),
    (arl.shewhart, (WESTERN,), {"phase1_size": 100}, 86.0417888, 754),
    (arl.shewhart, (("N1", "N3"),), {}, 198.620744999, 2.3),
    (arl.shewhart, (("N4",),), {}, 601.008514940, 5.9),
    (arl.shewhart, ((*WESTERN, "N3"),), {}, 77.5604550212, 138),
    (arl.shewhart, (NELSON,), {}, 73.4799515861, 3972),
    (arl.shewhart_ar1, (0.95, 3.0), {}, 1357.758613081, None),
    (arl.individuals_range, (3.0, 1.0), {}, 3.2452802344, None),
    (arl.poisson_cusum, (0.33, 8.0, 0.3), {}, 433.912679746, 15),
    (arl.binomial_cusum, (5.5, 20.0, 100, 0.05), {}, 801.170239428, None),
    (arl.s2_cusum, (4, 1.1, 20.0), {}, 45649.86712374, 17),
    (arl.s2_ewma, (9, 0.02, 2.4), {}, 1132.184595919, 53),
    (arl.s2_ewma, (1, 0.05, 2.4, 1.0, "two"), {}, 309.881800245, 18),
    (arl.shiryaev_roberts, (0.05, 500.0), {}, 530.274939978, None),
    (arl.design_cusum, (0.5, 500.0), {}, 5.070703856, None),
    (arl.design_cusum, (0.5, 370.0), {"phase1_size": 100}, 4.777263072, 229),
    (arl.design_ewma, (0.02, 370.0, "varying"), {}, 2.233468914, 90),
    (arl.design_shewhart, (("WE1",), 370.0), {"phase1_size": 100}, 2.941141665, 789),
]


def best_ms(call: Callable[[], float]) -> tuple[float, float]:
    value, best, began = call(), np.inf, time.process_time()
    for _ in range(30):
        start = time.process_time()
        value = call()
        best = min(best, time.process_time() - start)
        if time.process_time() - began > 1.0:
            break
    return value, 1e3 * best


def main() -> None:
    print("| call | value | ms | digits | before, ms |")
    print("|---|---|---|---|---|")
    for function, arguments, options, exact, before in CASES:
        value, taken_ms = best_ms(lambda: function(*arguments, **options))  # noqa: B023 - called at once
        digits = min(10.0, -np.log10(max(abs(value / exact - 1.0), 1e-10)))
        listed = [getattr(part, "__name__", repr(part)).replace("'", "") for part in arguments] + [
            f"{k}={v}" for k, v in options.items()
        ]
        call = f"{function.__name__}({', '.join(listed)})"
        print(f"| {call} | {value:.7g} | {taken_ms:.2f} | {digits:.1f} | {before or ''} |", flush=True)


if __name__ == "__main__":
    main()
