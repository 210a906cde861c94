"""The texts of the run and its report, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[..., str]

_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Service quality report", "服务质量报告"),
    "lead": (
        "{events} events of {cases} cases, {start} to {end}; times in {zone}",
        "{start} 至 {end}，{cases} 个服务案例，{events} 条事件；时间以 {zone} 计",
    ),
    "this_run": ("this run", "本次运行"),
    "all_runs": ("all runs", "历次合计"),
    "faults": ("Injected faults", "注入的故障"),
    "fault": ("Fault", "故障"),
    "from_until": ("From, until", "起止"),
    "found": ("Detected by", "检出信号"),
    "found_by": ("{rule} on {series}", "{series} 的规则 {rule}"),
    "missed_fault": ("missed", "未发现"),
    "delay": ("Delay", "延迟"),
    "days": ("{days:.1f} days", "{days:.1f} 天"),
    "cause": ("Most likely cause", "最可能原因"),
    "cause_judged": ("Named cause", "判断"),
    "cause_right": ("correct", "正确"),
    "cause_wrong": ("not as injected", "与注入不符"),
    "false_alarms": ("False alarms: realised against requested in-control ARL", "误报：实际与要求的受控平均运行长度"),
    "false_alarm_text": (
        "{seen} false alarms in {windows} in-control windows on {series} control charts ({rate});"
        " {expected} expected at the in-control ARL of the charts.",
        "{series} 张控制图的 {windows} 个平稳窗口中有 {seen} 个误报（{rate}）；"
        "按控制图的受控平均运行长度，预期为 {expected} 个。",
    ),
    "false_alarm_text_unknown": (
        "{seen} signals in {windows} windows on {series} control charts ({rate});"
        " {expected} expected for a process in control.",
        "{series} 张控制图的 {windows} 个窗口中有 {seen} 个报警（{rate}）；若过程受控，预期为 {expected} 个。",
    ),
    "signals": ("Signals", "信号数"),
    "pareto": ("Pareto of problems by number of signals", "问题帕累托图（按信号数）"),
    "cumulative": ("cumulative share", "累计占比"),
    "charts": ("Control charts", "控制图"),
    "unjudged": ("Charts without limits", "暂无控制限的控制图"),
    "and_more": (" and {count} more", " 等另外 {count} 个"),
    "injected": ("injected fault", "注入的故障"),
    "none": ("none", "无"),
    "overall": ("all cases", "全部案例"),
    "simulating": ("simulating twelve weeks of a service desk with three faults", "正在模拟服务台：十二周，含三个故障"),
    "loading": ("loading", "装载"),
    "scoring": ("scoring", "评分"),
    "events": ("{count} events", "{count} 条事件"),
    "so_far": ("{signals} signals  {problems} problems", "{signals} 个信号  {problems} 个问题"),
    "connection_lost": ("connection lost ({reason}); trying again", "连接中断（{reason}），正在重试"),
    "scored_in": ("{seconds:.1f} s until everything was scored", "{seconds:.1f} 秒内全部完成评分"),
    "serving_on": (
        "The services keep running: try `.venv/bin/andon status` in another terminal. Ctrl-C stops them.",
        "服务继续运行；可在另一终端执行 `.venv/bin/andon status`。按 Ctrl-C 停止。",
    ),
    "stopping": ("stopping", "正在停止"),
    "report_written": ("Report written to {path}", "报告已写入 {path}"),
}


def texts(language: str) -> Say:
    """`say("delay")`, or with places to fill: `say("days", days=2.0)`."""
    column = 1 if language.startswith("zh") else 0

    def say(key: str, **places: object) -> str:
        return _TEXTS[key][column].format(**places)

    return say
