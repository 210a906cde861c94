"""What the command itself says of problems, actions and proofs, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andon.common.v1.text_pb2 import Text

from andon_client.terminal import short

_ENGLISH, _CHINESE = 0, 1

_PHRASES: Mapping[str, tuple[str, str]] = {
    "found_on": ("{process}/{system}, {indicator}, {stretch}", "{process}/{system}，{indicator}，{stretch}"),
    "severity": ("severity {severity:.1f} sigma", "严重度 {severity:.1f} 西格玛"),
    "reason": ("reason: {reason}", "说明：{reason}"),
    "merged": ("merged into {name}", "已并入 {name}"),
    "signals": ("signals: {count}", "信号：{count} 个"),
    "signal": (
        "{window}  {series}  {rule}: {value} against {centre}",
        "{window}  {series}  {rule}：{value}，中心线 {centre}",
    ),
    "symptom": ("{signal} (a symptom)", "{signal}（症状）"),
    "more": ("... {count} more", "……另有 {count} 个"),
    "link": ("signal {name}: {series} in {window} = {value}", "信号 {name}：{series}，{window}，{value}"),
    "cases": ("{count:,} cases", "{count:,} 个案例"),
    "causes": ("causes, the likeliest first", "原因（最可能者在前）"),
    "confirmed": ("confirmed", "已确认"),
    "behind": ("behind {cause}", "位于 {cause} 之后"),
    "evidence": ("rests on {evidence}", "依据 {evidence}"),
    "action": ("action {name}: {title}, {state}", "措施 {name}：{title}，{state}"),
    "overdue": ("overdue", "已逾期"),
    "terms": ("{kind}, {owner}, due {due}", "{kind}，{owner}，期限 {due}"),
    "removes": ("removes {cause}", "针对 {cause}"),
    "goal": ("goal: {series} by {effect:+g}", "目标：{series} 变化 {effect:+g}"),
    "test": (
        "proof: {confidence:.4g} at each end of the interval, from {least} windows after it on, within {planned}",
        "验证：区间每一端的概率为 {confidence:.4g}，措施后至少 {least} 个窗口，计划 {planned} 个以内",
    ),
    "before": ("compared with {before}", "与 {before} 比较"),
    "nothing_before": ("compared with nothing: no window lies before it", "无可比较：之前没有窗口"),
    "spread": (
        "chance is learnt from the windows until {end}; all this was fixed at {fixed}",
        "偶然波动由 {end} 之前的窗口估计；以上均于 {fixed} 固定",
    ),
    "check": ("{name}: {mark}, {meaning}", "{name}：{mark}，{meaning}"),
    "holds": ("holds", "成立"),
    "mind": ("mind", "注意"),
    "moves": ("{name}: {before} -> {after}", "{name}：{before} → {after}"),
    "stays": ("{name}: {after}", "{name}：{after}"),
    "would_move": (
        "{name}: {before} -> {after} is possible; nothing was kept",
        "{name}：{before} → {after} 可行；未作任何保存",
    ),
    "would_stay": (
        "{name}: possible, it stays {after}; nothing was kept",
        "{name}：可行，状态仍为 {after}；未作任何保存",
    ),
    "next": ("next:", "下一步："),
    "look_again": (
        "how it is now, and what can be done: andon problem show {name}",
        "查看现状及可行的操作：andon problem show {name}",
    ),
    "interval": (
        "change {effect:+.4g}, between {lower:+.4g} and {upper:+.4g}; p {p:.2g}, however often one looks",
        "变化 {effect:+.4g}，介于 {lower:+.4g} 与 {upper:+.4g} 之间；p {p:.2g}，无论查看多少次",
    ),
    "side_before": ("before: {mean} over {count} windows, {stretch}", "之前：{mean}，{count} 个窗口，{stretch}"),
    "side_after": ("after:  {mean} over {count} windows, {stretch}", "之后：{mean}，{count} 个窗口，{stretch}"),
    "missing": (
        "missing: about {count} more {windows}; if the change stays what it is, they say: {verdict}",
        "尚缺：约 {count} {windows}；若变化保持不变，届时结论为：{verdict}",
    ),
    "missing_more": (
        "missing: more than is left of the {planned} planned {windows} ({count}), if the change stays what it is",
        "尚缺：若变化保持不变，所需多于计划的 {planned} {windows}中的剩余部分（{count}）",
    ),
    "missing_late": (
        "missing: the {planned} planned {windows} are over without a verdict; the interval hardly narrows now",
        "尚缺：计划的 {planned} {windows}已过而未能定论；此后区间几乎不再收窄",
    ),
    "value": ("value", "数值"),
    "compared_before": ("compared with", "比较基准"),
    "compared_after": ("after the action", "措施之后"),
    "mean_before": ("mean before", "之前均值"),
    "mean_after": ("mean after", "之后均值"),
    "window": ("window", "个窗口"),
    "windows": ("windows", "个窗口"),
    "hour": ("hour", "个小时"),
    "hours": ("hours", "个小时"),
    "day": ("day", "天"),
    "days": ("days", "天"),
    "week": ("week", "周"),
    "weeks": ("weeks", "周"),
    "month": ("month", "个月"),
    "months": ("months", "个月"),
    "acknowledge": ("say that somebody takes it on", "表明已有人跟进"),
    "confirm_cause": ("confirm the likeliest cause", "确认最可能的原因"),
    "state_cause": ("state a cause that the data do not show", "陈述数据中看不到的原因"),
    "plan": ("plan what is to be done, and what it must bring", "计划措施及其应达到的效果"),
    "start": ("begin; this fixes the proof", "开始执行，并固定其验证方式"),
    "complete": ("say that it is in place", "表明措施已落实"),
    "verify": ("ask the numbers, as often as you like", "用数据验证，次数不限"),
    "cancel": ("give it up", "放弃该措施"),
    "close": ("close it: it is proven", "关闭：已通过验证"),
    "dismiss": ("dismiss it: it is none, for a reason", "驳回：并非问题，须说明理由"),
}

# By the names of the contract's enums; English is the name itself.
_CHINESE_NAMES: Mapping[str, str] = {
    "PROBLEM_STATE_OPEN": "待处理",
    "PROBLEM_STATE_ACKNOWLEDGED": "已受理",
    "PROBLEM_STATE_ANALYSED": "已分析",
    "PROBLEM_STATE_ACTING": "措施中",
    "PROBLEM_STATE_VERIFYING": "待验证",
    "PROBLEM_STATE_CLOSED": "已关闭",
    "PROBLEM_STATE_DISMISSED": "已驳回",
    "PROBLEM_STATE_WITHDRAWN": "已撤回",
    "ACTION_STATE_PLANNED": "已计划",
    "ACTION_STATE_STARTED": "已开始",
    "ACTION_STATE_DONE": "已完成",
    "ACTION_STATE_VERIFIED": "已验证",
    "ACTION_STATE_FAILED": "未见效",
    "ACTION_STATE_CANCELLED": "已取消",
    "ACTION_KIND_CORRECTIVE": "纠正措施",
    "ACTION_KIND_PREVENTIVE": "预防措施",
    "CAUSE_CLASS_PEOPLE": "人员",
    "CAUSE_CLASS_PROCESS": "流程",
    "CAUSE_CLASS_RESOURCES": "资源",
    "CAUSE_CLASS_EXTERNAL": "外部",
    "VERDICT_IMPROVED": "已改善",
    "VERDICT_NO_CHANGE": "没有值得注意的变化",
    "VERDICT_WORSE": "变差",
    "VERDICT_UNDECIDED": "尚无定论",
}


def say(phrase: str, locale: str, **places: object) -> str:
    return _PHRASES[phrase][_CHINESE if locale.startswith("zh") else _ENGLISH].format(**places)


def text_in(locale: str, words: str) -> Text:
    """What a person says, in the language they say it in."""
    return Text(zh=words) if locale.startswith("zh") else Text(en=words)


def named(enum: Any, value: int, locale: str) -> str:
    """PROBLEM_STATE_OPEN -> open, or its Chinese name."""
    chinese = _CHINESE_NAMES.get(enum.Name(value)) if locale.startswith("zh") else None
    return chinese or short(enum, value)
