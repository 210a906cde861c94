"""How the limits of a chart were found, in words."""

from __future__ import annotations

from andon_quality.calibration import WINDOWS_WATCHED

from services.scoring.scores.results import Baseline, LimitCalibration
from services.scoring.system.case_model import Text

SIDES = {
    "upper": Text("above the centre", "中心线之上"),
    "lower": Text("below the centre", "中心线之下"),
    "both": Text("on both sides", "两侧"),
}


def derivation_of(baseline: Baseline) -> Text:
    """One paragraph: what phase I showed, what was simulated, what came out."""
    calibration, sides = baseline.calibration, SIDES[baseline.calibration.sides]
    shown = _shown(baseline, calibration)
    asked, given, width = (
        f"{calibration.requested_arl0:.4g}",
        f"{calibration.expected_arl0:.4g}",
        f"{baseline.limit_width:.3f}",
    )
    return Text(
        f"{baseline.chart} chart; phase I of {baseline.window_count} windows, {shown.en}. Limits {width} sigma from "
        f"the centre: simulated charts with a phase I like this one, each followed for {WINDOWS_WATCHED} windows "
        f"after it, raised one false signal {sides.en} in {given} windows watched; asked for was one in {asked}.",
        f"{baseline.chart} 控制图；基线含 {baseline.window_count} 个窗口，{shown.zh}。控制限距中心线 {width} 倍标准差："
        f"以同样的基线模拟的控制图，各在其后 {WINDOWS_WATCHED} 个窗口内判断，平均每 {given} 个窗口{sides.zh}误报一次；"
        f"要求为每 {asked} 个窗口一次。",
    )


def _shown(baseline: Baseline, calibration: LimitCalibration) -> Text:
    if calibration.method == "normal":
        return Text("taken to be independent and normal", "视为相互独立且服从正态分布")
    factor, memory, skewness = (
        f"{baseline.overdispersion:.2f}",
        f"{calibration.lag1_autocorrelation:g}",
        f"{calibration.skewness:g}",
    )
    return Text(
        f"which vary {factor} times as much as their cases explain, have an autocorrelation of {memory} and a "
        f"skewness of {skewness}",
        f"波动为案例所能解释的 {factor} 倍，相邻窗口自相关 {memory}，偏度 {skewness}",
    )
