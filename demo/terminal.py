"""The report in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.report import Report, ScoreLine
from demo.report_texts import Say

BAR = 20
STATE_STYLE = {"met": "green", "missed": "red", "not_enough_data": "dim"}


def show(report: Report, say: Say, console: Console) -> None:
    console.rule(f"[bold]{say('title')}")
    console.print(report.lead)
    for source, received, accepted, duplicate, quarantined in report.intake:
        console.print(
            f"  {source}: {received} {say('received')} = {accepted} {say('accepted')}"
            f" + {duplicate} {say('duplicate')} + {quarantined} {say('quarantined')}"
        )
    for title, lines in report.scorecards:
        console.print(_scorecard(f"{say('scorecard')}, {title}", lines, say))
    if report.faults:
        console.print(_faults(report, say))
    console.print(Text(say("false_alarms"), style="bold"), report.false_alarms, sep="\n")
    console.print(_problems(report, say))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", header_style="dim", box=None)
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    return table


def _scorecard(title: str, lines: Sequence[ScoreLine], say: Say) -> Table:
    names = ("indicator", "phase", ">value", ">target", ">weight", ">cases", ">points", "", "state")
    table = _table(title, *((">" if name.startswith(">") else "") + _said(name, say) for name in names))
    for line in lines:
        style = "bold" if not line.state else ""
        table.add_row(
            Text("  " * line.depth + line.title, style=style),
            line.phase,
            line.value,
            line.target,
            line.weight,
            line.cases,
            line.points_text,
            _bar(line.points),
            Text(line.state_text, style=STATE_STYLE.get(line.state, "")),
        )
    return table


def _said(name: str, say: Say) -> str:
    return say(name.lstrip(">")) if name else ""


def _bar(points: float | None) -> Text:
    if points is None:
        return Text("")
    filled = round(points / 100 * BAR)
    color = "green" if points >= 80 else "yellow" if points >= 50 else "red"
    return Text("█" * filled, style=color) + Text("░" * (BAR - filled), style="dim")


def _faults(report: Report, say: Say) -> Table:
    table = _table(say("faults"), say("fault"), say("from_until"), say("found"), ">" + say("delay"), say("cause"), "")
    for line in report.faults:
        found = Text(line.found_by, style="green" if line.found else "bold red")
        right = (
            Text(say("cause_right"), style="green") if line.cause_is_right else Text(say("cause_wrong"), style="red")
        )
        table.add_row(line.title, line.span, found, line.delay, line.cause, right if line.found else "")
    return table


def _problems(report: Report, say: Say) -> Table:
    names = ("problem", ">severity", ">signals", "cause", "since", "next_step")
    table = _table(say("problems"), *((">" if name.startswith(">") else "") + _said(name, say) for name in names))
    for line in report.problems:
        table.add_row(line.title, line.severity, str(line.signals), line.cause, line.since, line.next_step)
    return table
