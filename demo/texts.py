"""The report's words in both languages."""

from __future__ import annotations

from collections.abc import Callable

_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Service quality report", "服務質量報告"),
    "lead": (
        "{events} events of {cases} cases, {start} to {end}",
        "{start} 至 {end}，{cases} 個服務案例，{events} 條事件",
    ),
    "intake": ("What came in", "數據接收"),
    "received": ("received", "接收"),
    "accepted": ("accepted", "接受"),
    "duplicate": ("duplicate", "重復"),
    "quarantined": ("quarantined", "隔離"),
    "scorecard": ("Scorecard", "記分卡"),
    "week_of": ("week of {start}", "{start} 當週"),
    "all_time": ("all time", "全部時間"),
    "indicator": ("Indicator", "指標"),
    "value": ("Value", "數值"),
    "target": ("Target", "目標"),
    "weight": ("Weight", "權重"),
    "points": ("Points", "得分"),
    "cases": ("Cases", "案例數"),
    "state": ("State", "狀態"),
    "phase": ("Phase", "階段"),
    "before": ("before service", "服務前"),
    "during": ("during service", "服務中"),
    "after": ("after service", "服務後"),
    "met": ("met", "達標"),
    "missed": ("missed", "未達標"),
    "not_enough_data": ("not enough data", "數據不足"),
    "no_target": ("no target", "無目標"),
    "faults": ("Injected faults", "注入的故障"),
    "fault": ("Fault", "故障"),
    "from_until": ("From, until", "起止"),
    "found": ("Found", "是否發現"),
    "found_by": ("{rule} on {series}", "{series} 的規則 {rule}"),
    "missed_fault": ("missed", "未發現"),
    "delay": ("Delay", "延遲"),
    "days": ("{days:.1f} days", "{days:.1f} 天"),
    "cause": ("Likeliest cause", "最可能原因"),
    "cause_right": ("right", "正確"),
    "cause_wrong": ("not as injected", "與注入不符"),
    "promise": ("Alarms against the promise", "報警與承諾"),
    "promise_text": (
        "{seen} of {windows} quiet windows on {series} charts alarmed falsely ({rate});"
        " the promised run lengths allow {expected}.",
        "{series} 張控制圖的 {windows} 個平穩窗口中有 {seen} 個誤報（{rate}）；"
        "按承諾的平均運行長度允許 {expected} 個。",
    ),
    "promise_text_unknown": (
        "{seen} of {windows} windows on {series} charts alarmed ({rate});"
        " of a process without any fault the promised run lengths allow {expected}.",
        "{series} 張控制圖的 {windows} 個窗口中有 {seen} 個報警（{rate}）；"
        "若過程無任何故障，按承諾的平均運行長度允許 {expected} 個。",
    ),
    "problems": ("Problems opened", "已開立的問題"),
    "problem": ("Problem", "問題"),
    "severity": ("Severity", "嚴重度"),
    "signals": ("Signals", "信號數"),
    "since": ("Since", "起始"),
    "pareto": ("Pareto of problems by number of signals", "問題帕累托圖（按信號數）"),
    "cumulative": ("cumulative share", "累計佔比"),
    "charts": ("Control charts", "控制圖"),
    "injected": ("injected fault", "注入的故障"),
    "none": ("none", "無"),
    "whole": ("the whole process", "整個流程"),
    "report_written": ("The report is in {path}", "報告已寫入 {path}"),
}


def texts(language: str) -> Callable[..., str]:
    """`say("delay")`, or with places to fill: `say("days", days=2.0)`."""
    column = 1 if language.startswith("zh") else 0

    def say(key: str, **places: object) -> str:
        return _TEXTS[key][column].format(**places)

    return say
