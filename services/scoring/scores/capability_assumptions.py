"""Whether the assumptions of a capability study hold: enough values, stable, normal, independent, one rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from andon_quality.arrays import FloatArray
from andon_quality.control import laney
from andon_quality.effect.autocorrelation import lag1

from services.scoring.system.case_model import Text

VALUES_ENOUGH = 100
NORMALITY_P = 0.05
CHANCE_P = 0.01
BEYOND_THREE_SIGMA = 0.0027


@dataclass(frozen=True)
class Assumption:
    """p_value None: it is no test."""

    name: str
    is_met: bool
    explanation: Text
    p_value: float | None = None


def baseline_size(count: int) -> Assumption:
    """Source of the number: ISO 22514-2."""
    is_enough = count >= VALUES_ENOUGH
    return Assumption(
        "baseline_size",
        is_enough,
        Text(
            f"{count:,} values; {VALUES_ENOUGH} or more are usual.",
            f"{count:,} 个值；通常需要至少 {VALUES_ENOUGH} 个。",
        ),
    )


def stationarity(beyond: int, points: int) -> Assumption:
    """Not more points beyond 3 sigma than chance gives: binomial, one tail."""
    from scipy.stats import binom

    p_value = float(binom.sf(beyond - 1, points, BEYOND_THREE_SIGMA))
    return Assumption(
        "stationarity",
        p_value >= CHANCE_P,
        Text(
            f"{beyond} of {points} points lie beyond the 3 sigma limits of a chart of these values.",
            f"{points} 个点中有 {beyond} 个超出这些值的 3 西格玛控制限。",
        ),
        p_value,
    )


def normality(p_value: float, is_assumed: bool) -> Assumption:
    """p_value: of Anderson and Darling's test. is_assumed: the indices rest on it."""
    is_normal = p_value >= NORMALITY_P
    use, use_zh = ("", "") if is_assumed else (": the indices do not assume it", "：指数不以此为前提")
    p = "p < 1e-15" if p_value < 1e-15 else f"p = {p_value:.2g}"
    found, found_zh = ("Nothing against it", "未见异常") if is_normal else ("Not normal", "不服从正态分布")
    return Assumption(
        "normality",
        is_normal or not is_assumed,
        Text(f"{found} (Anderson-Darling test, {p}){use}.", f"{found_zh}（Anderson-Darling 检验，{p}）{use_zh}。"),
        p_value,
    )


def independence(values: FloatArray) -> Assumption:
    """values: in order of time."""
    r = float(lag1([values])) if values.size > 3 else 0.0
    is_met = abs(r) < 2 / math.sqrt(values.size)
    return Assumption(
        "independence",
        is_met,
        Text(
            f"Lag-1 autocorrelation of the values in time order is {r:.2f}.",
            f"按时间排列的值的一阶自相关为 {r:.2f}。",
        ),
    )


def dispersion(z: FloatArray) -> Assumption:
    """z: standardised counts of the windows, at least two."""
    found = laney.dispersion(z)
    p_value, ratio = float(found.p_value), float(found.ratio)
    return Assumption(
        "dispersion",
        p_value >= CHANCE_P,
        Text(
            f"Windows vary {ratio:.3g} times as much as chance explains (chi-square per degree of freedom).",
            f"窗口之间的变异为随机所能解释的 {ratio:.3g} 倍（卡方除以自由度）。",
        ),
        p_value,
    )
