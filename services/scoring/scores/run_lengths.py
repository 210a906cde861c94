"""How long a chart runs before it alarms, and the limit that makes it run as long as one wants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from andon_quality import arl
from andon_quality.arl import RunLength, steady_state_delay
from andon_quality.errors import QualityError

from services.scoring.system.case_model import Text

SHIFTS, QUANTILES = (0.5, 1.0, 1.5, 2.0, 3.0), (0.05, 0.5, 0.95)
REFERENCE, SMOOTHING = 0.5, 0.2
SHIFT_SUMMED = 1.0
RANGE_RATIO = 3.6863 / 3.0
"""The usual limit of ranges of two, D4 d2 = 3.2668 x 1.1284 sigma, per half width of the individuals' limits."""


@dataclass(frozen=True)
class ChartScheme:
    """Of a chart with a limit and a shift: its ARL, its whole distribution (None: not known), and the inverse."""

    mean: Callable[[float, float], float]
    run: Callable[[float, float], RunLength] | None
    limit_of: Callable[[float], float]


@dataclass(frozen=True)
class RunLengthRow:
    """quantiles: as many as asked for, or none. sd and delay None: not known, and in control no delay."""

    shift: float
    mean: float
    sd: float | None
    quantiles: tuple[int, ...]
    delay: float | None


def rows_of(
    scheme: ChartScheme, limit: float, shifts: Sequence[float], quantiles: Sequence[float]
) -> list[RunLengthRow]:
    """In control first. Raises QualityError."""
    quiet = _run(scheme, limit, 0.0)
    return [_row(scheme, limit, shift, quantiles, quiet) for shift in (0.0, *shifts)]


def _row(
    scheme: ChartScheme, limit: float, shift: float, quantiles: Sequence[float], quiet: RunLength | None
) -> RunLengthRow:
    mean = scheme.mean(limit, shift)
    run = quiet if shift == 0.0 else _run(scheme, limit, shift)
    if run is None:
        return RunLengthRow(shift, mean, None, (), None)
    delay = None
    if quiet is not None and shift != 0.0:
        try:
            delay = steady_state_delay(quiet, run)
        except QualityError:
            # Limits from a sample have no settled state, and a shifted chain may have other states.
            delay = None
    try:
        points = tuple(run.quantile(one) for one in quantiles)
    except QualityError:
        # Beyond what can be counted.
        points = ()
    return RunLengthRow(shift, mean, run.sd(), points, delay)


def _run(scheme: ChartScheme, limit: float, shift: float) -> RunLength | None:
    """None: not known for this chart, or larger than what is computed."""
    if scheme.run is None:
        return None
    try:
        return scheme.run(limit, shift)
    except QualityError:
        return None


def shewhart(rules: Sequence[str], phase1_size: int | None) -> ChartScheme:
    return ChartScheme(
        lambda limit, shift: arl.shewhart(rules, shift, limit, phase1_size),
        lambda limit, shift: arl.shewhart_run(rules, shift, limit, phase1_size),
        lambda wanted: arl.design_shewhart(rules, wanted, phase1_size),
    )


def cusum(reference: float, head_start_share: float, is_upper: bool, phase1_size: int | None) -> ChartScheme:
    sided: Literal["one", "two"] = "one" if is_upper else "two"
    return ChartScheme(
        lambda h, shift: arl.cusum(reference, h, shift, head_start_share * h, sided, phase1_size),
        lambda h, shift: arl.cusum_run(reference, h, shift, head_start_share * h, sided, phase1_size),
        lambda wanted: arl.design_cusum(reference, wanted, head_start_share, sided, phase1_size),
    )


def ewma(smoothing: float, is_varying: bool, is_upper: bool, phase1_size: int | None) -> ChartScheme:
    sided: Literal["upper", "two"] = "upper" if is_upper else "two"
    limits: Literal["varying", "fixed"] = "varying" if is_varying else "fixed"
    return ChartScheme(
        lambda width, shift: arl.ewma(smoothing, width, shift, limits, 0.0, sided, phase1_size),
        lambda width, shift: arl.ewma_run(smoothing, width, shift, 0.0, sided, limits, phase1_size),
        lambda wanted: arl.design_ewma(smoothing, wanted, limits, 0.0, sided, phase1_size),
    )


def individuals_range() -> ChartScheme:
    return ChartScheme(
        lambda width, shift: arl.individuals_range(width, RANGE_RATIO * width, shift),
        lambda width, shift: arl.individuals_range_run(width, RANGE_RATIO * width, shift),
        lambda wanted: arl.design_individuals_range(wanted, RANGE_RATIO),
    )


def poisson_cusum(mean: float, reference: float) -> ChartScheme:
    """Shifts in standard deviations of a count in control. Without a reference that of the likelihood ratio for one."""

    def shifted(shift: float) -> float:
        return mean + shift * math.sqrt(mean)

    k = reference or _on_lattice((shifted(1.0) - mean) / math.log(shifted(1.0) / mean))

    return ChartScheme(
        lambda h, shift: arl.poisson_cusum(k, h, shifted(shift)),
        lambda h, shift: arl.poisson_cusum_run(k, h, shifted(shift)),
        lambda wanted: arl.design_poisson_cusum(k, wanted, mean),
    )


def binomial_cusum(size: int, share: float, reference: float) -> ChartScheme:
    """Shifts in standard deviations of a share in control. Without a reference that of the likelihood ratio for one."""

    def shifted(shift: float) -> float:
        return share + shift * math.sqrt(share * (1.0 - share) / size)

    other = min(shifted(1.0), (1.0 + share) / 2.0)
    against = math.log((1.0 - share) / (1.0 - other))
    k = reference or _on_lattice(size * against / (math.log(other / share) + against))

    return ChartScheme(
        lambda h, shift: arl.binomial_cusum(k, h, size, shifted(shift)),
        lambda h, shift: arl.binomial_cusum_run(k, h, size, shifted(shift)),
        lambda wanted: arl.design_binomial_cusum(k, wanted, size, share),
    )


def mewma(smoothing: float, dimensions: int) -> ChartScheme:
    return ChartScheme(
        lambda limit, shift: arl.mewma(smoothing, limit, dimensions, shift),
        lambda limit, shift: arl.mewma_run(smoothing, limit, dimensions, shift),
        lambda wanted: arl.design_mewma(smoothing, wanted, dimensions),
    )


def variance_cusum(degrees: int, reference: float) -> ChartScheme:
    """Without a reference that of the likelihood ratio for a sigma that has grown by a half."""
    grown = 1.5**2
    k = reference or grown * math.log(grown) / (grown - 1.0)
    return ChartScheme(
        lambda h, shift: arl.s2_cusum(degrees, k, h, 1.0 + shift),
        lambda h, shift: arl.s2_cusum_run(degrees, k, h, 1.0 + shift),
        lambda wanted: arl.design_s2_cusum(degrees, k, wanted),
    )


def variance_ewma(degrees: int, smoothing: float) -> ChartScheme:
    return ChartScheme(
        lambda width, shift: arl.s2_ewma(degrees, smoothing, width, 1.0 + shift),
        lambda width, shift: arl.s2_ewma_run(degrees, smoothing, width, 1.0 + shift),
        lambda wanted: arl.design_s2_ewma(degrees, smoothing, wanted),
    )


def autocorrelated(correlation: float) -> ChartScheme:
    return ChartScheme(
        lambda width, shift: arl.shewhart_ar1(correlation, width, shift),
        lambda width, shift: arl.shewhart_ar1_run(correlation, width, shift),
        lambda wanted: arl.design_shewhart_ar1(correlation, wanted),
    )


def shiryaev_roberts(reference: float) -> ChartScheme:
    return ChartScheme(
        lambda limit, shift: arl.shiryaev_roberts(reference, limit, shift),
        lambda limit, shift: arl.shiryaev_roberts_run(reference, limit, shift),
        lambda wanted: arl.design_shiryaev_roberts(reference, wanted),
    )


def summary(rows: Sequence[RunLengthRow], limit: float, quantiles: Sequence[float]) -> Text:
    """How often it alarms falsely, and how soon it finds the largest shift and the one nearest to one sigma."""
    quiet = rows[0]
    en = f"A limit of {limit:.4g} alarms falsely once in {quiet.mean:,.4g} points"
    zh = f"限值 {limit:.4g} 平均每 {quiet.mean:,.4g} 点误报一次"
    if quiet.quantiles:
        first = min(range(len(quantiles)), key=lambda place: quantiles[place])
        en += f", and within {quiet.quantiles[first]:,} points with a chance of {100 * quantiles[first]:g} %"
        zh += f"，在 {quiet.quantiles[first]:,} 点内误报的概率为 {100 * quantiles[first]:g} %"
    if len(rows) > 1:
        one = min(rows[1:], key=lambda row: abs(row.shift - SHIFT_SUMMED))
        points = one.delay if one.delay is not None else one.mean
        en += f"; a shift of {one.shift:g} sigma is found after {points:,.3g} points on average"
        zh += f"；{one.shift:g} 个标准差的偏移平均在 {points:,.3g} 点后发现"
    return Text(en + ".", zh + "。")


def _on_lattice(reference: float) -> float:
    """With a small denominator, so that the sums have few values."""
    step = 0.05 if reference < 2 else 0.25 if reference < 20 else 1.0
    return max(round(reference / step), 1) * step
