"""Checks of what an indicator leaves out: cases that belong to its windows and of which its measure gives no value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.scoring.system.case_model import (
    Above,
    AttributeIs,
    AttributeTime,
    Closed,
    Elapsed,
    FirstOf,
    Flag,
    LastOf,
    Milestone,
    NumberAttribute,
    Opened,
    Ratio,
    Text,
    Work,
)
from services.scoring.system.lint_findings import Finding, warning
from services.scoring.system.model import Aggregate, Indicator, SystemSpec

ANY_EVENT = FirstOf()


def losses(spec: SystemSpec, field: str, indicator: Indicator) -> Iterator[Finding]:
    """A warning that names what may be missing, and how such cases get a value."""
    lost = _lost(spec, indicator)
    if lost is None:
        return
    en, zh = _AGGREGATES[indicator.aggregate]
    yield warning(
        f"{field}.measure",
        "loses_cases",
        f"{lost.who.en} are not in the {en} of {indicator.name}, only counted next to it; {lost.remedy.en}",
        f"{lost.who.zh}不计入 {indicator.name} 的{zh}，只在其旁计数；{lost.remedy.zh}",
    )


_AGGREGATES = {
    Aggregate.UNSPECIFIED: ("value", "数值"),
    Aggregate.MEAN: ("mean", "均值"),
    Aggregate.MEDIAN: ("median", "中位数"),
    Aggregate.SHARE: ("share", "占比"),
    Aggregate.SUM: ("sum", "总和"),
    Aggregate.QUANTILE: ("quantile", "分位数"),
    Aggregate.MINIMUM: ("minimum", "最小值"),
    Aggregate.MAXIMUM: ("maximum", "最大值"),
}


@dataclass(frozen=True)
class _Lost:
    who: Text
    remedy: Text


def _lost(spec: SystemSpec, indicator: Indicator) -> _Lost | None:
    measure = spec.measure_by_name.get(indicator.measure)
    if measure is None:
        return None
    certain = [_resolved(spec, spec.anchor(indicator)), ANY_EVENT]
    if spec.waits_for_close(indicator):
        certain.append(_resolved(spec, Closed()))
    match measure.kind:
        case Elapsed(start, end):
            if not _is_certain(_resolved(spec, start), certain):
                return _without_start(spec, start)
            if not _is_certain(_resolved(spec, end), certain):
                name = _name(_resolved(spec, end))
                return _Lost(
                    Text(f"cases without {name.en}", f"没有{name.zh}的案例"),
                    Text(
                        "a share of a flag above this duration counts them as late while they wait",
                        "对该时长取超限标志的占比，会把仍在等待且超限的案例计为超时",
                    ),
                )
        case Flag(Above(name)):
            above = spec.measure_by_name.get(name)
            return _lost_by_limit(spec, above.kind, certain) if above and isinstance(above.kind, Elapsed) else None
        case Flag(AttributeIs(attribute)) | NumberAttribute(attribute):
            return _Lost(
                Text(f"cases without the attribute {attribute}", f"没有属性 {attribute} 的案例"),
                Text("let the source give it for every case", "请让来源为每个案例提供该属性"),
            )
        case Work(unmatched=None):
            return _Lost(
                Text("cases without a complete pair of start and completion", "没有完整“开始—完成”配对的案例"),
                Text(
                    "measures with `unmatched: starts` and `unmatched: completions` count what has no partner",
                    "可用 `unmatched: starts` 与 `unmatched: completions` 的度量统计未配对的事件",
                ),
            )
        case Ratio(of, per):
            return _Lost(
                Text(f"rows without {of} or {per}, or with a {per} of 0", f"缺少 {of} 或 {per}、或 {per} 为 0 的行"),
                Text("let the source give both for every row", "请让来源为每一行同时提供两者"),
            )
        case _:
            pass
    return None


def _lost_by_limit(spec: SystemSpec, duration: Elapsed, certain: list[Milestone | None]) -> _Lost | None:
    """Past its limit a running duration is late; only one that stops at the close within the limit has no answer."""
    if not _is_certain(_resolved(spec, duration.start), certain):
        return _without_start(spec, duration.start)
    if spec.case_rule.closed is None or _is_certain(_resolved(spec, duration.end), certain):
        return None
    name = _name(_resolved(spec, duration.end))
    return _Lost(
        Text(f"cases that close within the limit without {name.en}", f"在限值内关闭且没有{name.zh}的案例"),
        Text(
            "let the duration end at `closed`, or ask with `occurred` whether it happened at all",
            "可让时长以 `closed` 结束，或用 `occurred` 判断其是否发生",
        ),
    )


def _without_start(spec: SystemSpec, start: Milestone | None) -> _Lost:
    name = _name(_resolved(spec, start))
    # A rule for `opened` can make it a moment that some cases have not.
    sure = "`opened`" if _is_certain(_resolved(spec, Opened()), [ANY_EVENT]) else "the first event, `first: {}`"
    sure_zh = "`opened`" if sure == "`opened`" else "首个事件 `first: {}`"
    return _Lost(
        Text(f"cases without {name.en}", f"没有{name.zh}的案例"),
        Text(
            f"let the duration begin at a moment that every case has, such as {sure}",
            f"可让时长从每个案例都有的时刻（如{sure_zh}）开始",
        ),
    )


def _resolved(spec: SystemSpec, moment: Milestone | None) -> Milestone | None:
    """The events or the attribute that a moment is read from."""
    for _ in range(2):
        if isinstance(moment, Opened):
            moment = spec.case_rule.opened or ANY_EVENT
        elif isinstance(moment, Closed):
            moment = spec.case_rule.closed
    return moment


def _is_certain(moment: Milestone | None, certain: list[Milestone | None]) -> bool:
    """Whether every case that has the certain moments has this one. What is missing or circular is another check's."""
    if moment is None or isinstance(moment, (Opened, Closed)):
        return True
    if isinstance(moment, AttributeTime) or moment.is_bounded:
        return moment in certain
    if not moment.activities:
        return True
    known = [set(one.activities) for one in certain if isinstance(one, (FirstOf, LastOf)) and one.activities]
    return any(activities <= set(moment.activities) for activities in known)


def _name(moment: Milestone | None) -> Text:
    match moment:
        case FirstOf(activities) | LastOf(activities) if moment.is_bounded:
            named_en, named_zh = " or ".join(activities) or "of any activity", "”或“".join(activities) or "任意活动"
            return Text(f"an event {named_en} between its bounds", f"限定范围内的“{named_zh}”事件")
        case FirstOf(activities) | LastOf(activities):
            return Text(f"an event {' or '.join(activities)}", f"“{'”或“'.join(activities)}”事件")
        case AttributeTime(attribute):
            return Text(f"the time {attribute}", f"时间属性 {attribute} ")
        case _:
            return Text("this moment", "该时刻")
