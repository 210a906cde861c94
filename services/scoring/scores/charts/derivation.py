"""How the limits of a chart were found, in words."""

from __future__ import annotations

from andon_quality.calibration import WINDOWS_WATCHED

from services.scoring.scores.results import Baseline, CentreBound, LimitCalibration
from services.scoring.system.case_model import Text

SIDES = {
    "upper": Text("above the centre", "中心线之上"),
    "lower": Text("below the centre", "中心线之下"),
    "both": Text("on both sides", "两侧"),
}


def derivation_of(baseline: Baseline) -> Text:
    """One paragraph: what phase I showed, what was simulated, what came out, and what it can see."""
    calibration, sides = baseline.calibration, SIDES[baseline.calibration.sides]
    shown = _shown(baseline, calibration)
    asked, given, width = (
        f"{calibration.requested_arl0:.4g}",
        f"{calibration.expected_arl0:.4g}",
        f"{baseline.limit_width:.3f}",
    )
    limits = Text(
        f"{baseline.chart} chart; phase I of {baseline.window_count} windows, {shown.en}. Limits {width} sigma from "
        f"the centre: simulated charts with a phase I like this one, each followed for {WINDOWS_WATCHED} windows "
        f"after it, raised one false signal {sides.en} in {given} windows watched; asked for was one in {asked}.",
        f"{baseline.chart} 控制图；基线含 {baseline.window_count} 个窗口，{shown.zh}。控制限距中心线 {width} 倍标准差："
        f"以同样的基线模拟的控制图，各在其后 {WINDOWS_WATCHED} 个窗口内判断，平均每 {given} 个窗口{sides.zh}误报一次；"
        f"要求为每 {asked} 个窗口一次。",
    )
    said = [limits]
    if calibration.detection is not None and calibration.detection.detects:
        seen = calibration.detection
        detected = Text(
            f"a lasting shift of {seen.shift:g} sigma raises a signal within {seen.delay:g} windows half of the time",
            f"持续偏移 {seen.shift:g} 倍标准差时，有一半情形在 {seen.delay:g} 个窗口内发出信号",
        )
        said.append(_sentence(detected))
    said += (_sentence(caveat) for caveat in caveats_of(baseline))
    return Text(" ".join(one.en for one in said), "".join(one.zh for one in said))


def _sentence(said: Text) -> Text:
    return Text(f"{said.en[0].upper()}{said.en[1:]}.", f"{said.zh}。")


def caveats_of(baseline: Baseline) -> list[Text]:
    """What a reader must know: that the chart is blind, its limits are capped, its centre is a bound."""
    found: list[Text] = []
    calibration, centre = baseline.calibration, f"{baseline.centre:.4g}"
    if baseline.centre_bound is CentreBound.AT_MOST:
        en, zh = f"phase I was perfect: the centre is at most {centre}", f"基线期无一例外：中心线至多为 {centre}"
        found.append(Text(f"{en} (95 % bound)", f"{zh}（95% 置信界）"))
    elif baseline.centre_bound is CentreBound.AT_LEAST:
        en, zh = f"phase I was perfect: the centre is at least {centre}", f"基线期无一例外：中心线至少为 {centre}"
        found.append(Text(f"{en} (95 % bound)", f"{zh}（95% 置信界）"))
    if calibration.is_capped:
        en = "the limits are capped: the requested ARL asks for wider ones, but autocorrelation may be a season"
        found.append(Text(en, "控制限已封顶：按要求的平均运行长度应更宽，但自相关可能只是季节性"))
    if calibration.detection is not None and not calibration.detection.detects:
        seen = calibration.detection
        en = (
            f"this chart cannot detect a shift of {seen.shift:g} sigma within {seen.within} windows "
            f"(probability {100.0 * seen.chance:.0f} %)"
        )
        zh = f"此图无法在 {seen.within} 个窗口内检出 {seen.shift:g} 倍标准差的偏移（概率 {100.0 * seen.chance:.0f}%）"
        found.append(Text(en, zh))
    return found


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
