"""How capable a process is of what is asked for: of measured, of good or bad, and of counted values.

The choice of method is here, the mathematics in `andon_quality.capability`. Source of what is assumed: ISO 22514-2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

import numpy as np
from andon_quality import capability, normality
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.capability import Capability, Estimate, NonNormal, Specification
from andon_quality.control import xbar_r, xbar_s, xmr
from andon_quality.control.subgroups import Subgroups, summarise_groups
from andon_quality.errors import NoSpread

from services.scoring.scores import capability_assumptions as assumptions
from services.scoring.scores.capability_assumptions import NORMALITY_P, Assumption
from services.scoring.system.case_model import Text
from services.scoring.system.model import Direction, Indicator

SUBGROUP_SIZE_OF_RANGES = 10
FITTED_VALUES_MAX = 2_000
RESAMPLED_VALUES_MAX = 20_000_000
RESAMPLES_MIN, RESAMPLES_MAX = 40, 1_000
NORMALITY_VALUES_MIN = 8


class Distribution(Enum):
    UNSPECIFIED = "unspecified"
    NORMAL = "normal"
    FITTED = "fitted"
    PERCENTILES = "percentiles"


class Spread(Enum):
    UNSPECIFIED = ""
    MEAN_RANGE = "mean range"
    MEAN_SD = "mean sd"
    POOLED = "pooled"
    MOVING_RANGE = "moving range"


@dataclass(frozen=True)
class StudyOptions:
    """opportunities 0: values are measured. shift: in the sigma level; 0: none."""

    distribution: Distribution = Distribution.UNSPECIFIED
    spread: Spread = Spread.UNSPECIFIED
    confidence: float = 0.95
    quantile_type: int = 8
    opportunities: float = 0.0
    shift: float = 1.5

    def other_distribution(self, values: FloatArray, limits: Specification, p_value: float) -> NonNormal | None:
        """None: the normal distribution is used. p_value: of a test for it."""
        kind = self.distribution
        if kind is Distribution.UNSPECIFIED:
            kind = Distribution.FITTED if values.size <= FITTED_VALUES_MAX else Distribution.PERCENTILES
            kind = Distribution.NORMAL if p_value >= NORMALITY_P else kind
        resamples = max(RESAMPLES_MIN, min(RESAMPLES_MAX, RESAMPLED_VALUES_MAX // max(1, values.size)))
        match kind:
            case Distribution.NORMAL | Distribution.UNSPECIFIED:
                return None
            case Distribution.FITTED:
                return capability.by_fit(values, limits, confidence=self.confidence, resamples=resamples)
            case Distribution.PERCENTILES:
                return capability.by_percentiles(values, limits, self.quantile_type, self.confidence, resamples)
            case _:
                assert_never(kind)


@dataclass(frozen=True)
class CapabilityIndex:
    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class CapabilityStudy:
    """Figures in the unit of the values; parts per million below and above the limits. None: not defined here.

    sigma_within, sigma_overall: 0 where values are good or bad, or counted. expected, observed: below and above.
    """

    count: int
    subgroup_count: int
    mean: float
    sigma_within: float
    sigma_overall: float
    spread: str
    distribution: str
    expected: tuple[float, float]
    observed: tuple[float, float]
    dpmo: CapabilityIndex
    sigma_level: CapabilityIndex | None
    assumptions: tuple[Assumption, ...]
    summary: Text
    cp: CapabilityIndex | None = None
    cpl: CapabilityIndex | None = None
    cpu: CapabilityIndex | None = None
    cpk: CapabilityIndex | None = None
    cpm: CapabilityIndex | None = None
    pp: CapabilityIndex | None = None
    ppl: CapabilityIndex | None = None
    ppu: CapabilityIndex | None = None
    ppk: CapabilityIndex | None = None
    is_extrapolated: bool = False


def limits_of(indicator: Indicator) -> Specification | None:
    """What the target of an indicator asks of each value. None: it has none, or no direction."""
    target = indicator.target
    if target is None:
        return None
    match indicator.direction:
        case Direction.LOWER_IS_BETTER:
            return Specification(upper=target.value)
        case Direction.HIGHER_IS_BETTER:
            return Specification(lower=target.value)
        case Direction.TARGET_IS_BETTER:
            if target.lower is None and target.upper is None:
                return None
            return Specification(target.lower, target.upper, target.value)
        case Direction.UNSPECIFIED:
            return None
        case _:
            assert_never(indicator.direction)


def study_measured(
    values: FloatArray, groups: IntArray | None, limits: Specification, options: StudyOptions
) -> CapabilityStudy:
    """values: in order of time, shape (n,). groups: the subgroup of each; None: every value is one of its own.

    Cost: O(n log n), and up to 2e7 resampled values where the distribution is not normal. Raises QualityError.
    """
    subgroups = summarise_groups(values, np.arange(values.size) if groups is None else groups)
    within = ShortTerm.of(values, subgroups, options.spread)
    n, mean, overall = float(values.size), float(values.mean()), float(np.std(values, ddof=1))
    short = capability.from_moments(mean, within.sigma, n, limits, options.confidence, within.df)
    long = capability.from_moments(mean, overall, n, limits, options.confidence)
    p_value = normality.anderson_darling(values).p_value if values.size >= NORMALITY_VALUES_MIN else None
    other = options.other_distribution(values, limits, 1.0 if p_value is None else float(p_value))
    found: Capability | NonNormal = short if other is None else other
    expected = (float(found.ppm_below), float(found.ppm_above))
    # Of a curve: how sure it is depends on the curve, which no interval says.
    dpmo = CapabilityIndex(*[min(sum(expected), 1e6)] * 3)
    study = CapabilityStudy(
        count=values.size,
        subgroup_count=len(subgroups.sizes),
        mean=mean,
        sigma_within=within.sigma,
        sigma_overall=overall,
        spread=within.kind.value,
        distribution="normal" if other is None else str(other.method),
        expected=expected,
        observed=(
            0.0 if limits.lower is None else 1e6 * float(np.mean(values < limits.lower)),
            0.0 if limits.upper is None else 1e6 * float(np.mean(values > limits.upper)),
        ),
        dpmo=dpmo,
        sigma_level=_sigma_level(dpmo, options.shift),
        assumptions=(
            assumptions.baseline_size(values.size),
            assumptions.stationarity(within.beyond, within.points),
            *(() if p_value is None else (assumptions.normality(float(p_value), other is None),)),
            assumptions.independence(values),
        ),
        summary=_measured_summary(short, long, other),
    )
    if other is not None:
        return replace(
            study,
            pp=_optional(other.pp),
            ppl=_optional(other.ppl),
            ppu=_optional(other.ppu),
            ppk=_index(other.ppk),
            is_extrapolated=other.is_extrapolated,
        )
    return replace(
        study,
        cp=_optional(short.cp),
        cpl=_optional(short.cpl),
        cpu=_optional(short.cpu),
        cpk=_index(short.cpk),
        cpm=_optional(short.cpm),
        pp=_optional(long.cp),
        ppl=_optional(long.cpl),
        ppu=_optional(long.cpu),
        ppk=_index(long.cpk),
    )


def study_flags(bad: IntArray, sizes: IntArray, options: StudyOptions) -> CapabilityStudy:
    """Of cases that are good or bad. bad, sizes: defective and all cases of each subgroup, sizes above 0."""
    found = capability.defectives(float(bad.sum()), float(sizes.sum()), options.confidence)
    dpmo, p = _index(found.ppm), float(found.p.value)
    z = (bad - sizes * p) / np.sqrt(sizes * p * (1 - p)) if 0 < p < 1 else None
    percent = f"{100 * p:.4g} %"
    return _counted(bad, sizes, p, dpmo, "binomial", z, options, _index(found.ppk), percent, percent)


def study_counts(defects: IntArray, sizes: IntArray, options: StudyOptions) -> CapabilityStudy:
    """Of counted defects. defects, sizes: defects and cases of each subgroup, sizes above 0."""
    found = capability.defects(
        float(defects.sum()), float(sizes.sum()), options.opportunities, options.confidence, options.shift
    )
    rate = float(found.dpu.value)
    z = (defects - sizes * rate) / np.sqrt(sizes * rate) if rate > 0 else None
    en, zh = f"{rate:.4g} defects a case", f"每个案例 {rate:.4g} 个缺陷"
    return _counted(defects, sizes, rate, _index(found.dpmo), "poisson", z, options, None, en, zh)


def _counted(
    bad: IntArray,
    sizes: IntArray,
    mean: float,
    dpmo: CapabilityIndex,
    distribution: str,
    z: FloatArray | None,
    options: StudyOptions,
    ppk: CapabilityIndex | None,
    en: str,
    zh: str,
) -> CapabilityStudy:
    level = _sigma_level(dpmo, options.shift)
    million = f"{dpmo.value:,.6g}"
    return CapabilityStudy(
        count=int(sizes.sum()),
        subgroup_count=len(sizes),
        mean=mean,
        sigma_within=0.0,
        sigma_overall=0.0,
        spread="",
        distribution=distribution,
        expected=(0.0, dpmo.value),
        observed=(0.0, dpmo.value),
        dpmo=dpmo,
        sigma_level=level,
        assumptions=(
            assumptions.baseline_size(int(sizes.sum())),
            *(() if z is None or len(z) < 2 else (assumptions.dispersion(z),)),
        ),
        summary=Text(f"{en}: {million} defects per million opportunities.", f"{zh}：每百万机会 {million} 个缺陷。"),
        ppk=None if ppk is None or not math.isfinite(ppk.value) else ppk,
    )


@dataclass(frozen=True)
class ShortTerm:
    """Spread within subgroups. df None: n - 1. beyond: how many of the `points` of a chart lie beyond 3 sigma."""

    kind: Spread
    sigma: float
    df: float | None
    beyond: int
    points: int

    @classmethod
    def of(cls, values: FloatArray, groups: Subgroups, asked: Spread) -> ShortTerm:
        """values: in order of time. Raises QualityError."""
        sizes, pairs = groups.sizes, int(np.count_nonzero(groups.sizes >= 2))
        kind = asked
        if kind is Spread.UNSPECIFIED:
            is_small = sizes.max() <= SUBGROUP_SIZE_OF_RANGES and np.ptp(sizes) == 0
            kind = Spread.MOVING_RANGE if pairs < 2 else Spread.MEAN_RANGE if is_small else Spread.MEAN_SD
        if kind is Spread.MOVING_RANGE:
            single = xmr.baseline(values)
            outside = xmr.chart(single, values).beyond
            return cls(kind, float(single.sigma), None, int(outside.sum()), values.size)
        if pairs < 2:
            raise NoSpread("the spread within subgroups needs two windows with at least two values")
        match kind:
            case Spread.MEAN_RANGE:
                sigma = float(xbar_r.baseline(groups.means, groups.ranges, sizes).sigma)
            case Spread.POOLED:
                sigma = float(xbar_s.baseline(groups.means, groups.sds, sizes, "pooled").sigma)
            case Spread.MEAN_SD | Spread.UNSPECIFIED:
                sigma = float(xbar_s.baseline(groups.means, groups.sds, sizes).sigma)
            case _:
                assert_never(kind)
        outside = np.abs(groups.means - values.mean()) > 3 * sigma / np.sqrt(sizes)
        df = float((sizes[sizes >= 2] - 1).sum()) if kind is Spread.POOLED else None
        return cls(kind, sigma, df, int(outside.sum()), len(sizes))


def _index(estimate: Estimate) -> CapabilityIndex:
    return CapabilityIndex(float(estimate.value), float(estimate.lower), float(estimate.upper))


def _optional(estimate: Estimate | None) -> CapabilityIndex | None:
    return None if estimate is None else _index(estimate)


def _sigma_level(dpmo: CapabilityIndex, shift: float) -> CapabilityIndex | None:
    if not 0 < dpmo.value < 1e6:
        return None
    # An interval may reach to no defect at all, whose level is infinite.
    value, lower, upper = capability.sigma_level(
        np.clip([dpmo.value, dpmo.upper, dpmo.lower], 1e-9, 999_999.999), shift
    )
    return CapabilityIndex(float(value), float(lower), float(upper))


def _measured_summary(short: Capability, long: Capability, other: NonNormal | None) -> Text:
    if other is None:
        cpk, ppk = float(short.cpk.value), float(long.cpk.value)
        return Text(
            f"Cpk {cpk:.2f}: what the process can do at its spread within windows. Ppk {ppk:.2f}: what it did.",
            f"Cpk {cpk:.2f}：按窗口内波动所能达到的水平。Ppk {ppk:.2f}：实际达到的水平。",
        )
    ppk = float(other.ppk.value)
    return Text(
        f"Ppk {ppk:.2f} without assuming a normal distribution ({other.method}).",
        f"Ppk {ppk:.2f}，不假定正态分布（{other.method}）。",
    )
