"""The report in the terminal."""

from __future__ import annotations

from andon_client.terminal import show_table
from rich.console import Console
from rich.text import Text

from demo.report import Report
from demo.report_texts import Say


def show(report: Report, say: Say, console: Console) -> None:
    console.rule(f"[bold]{say('title')}")
    console.print(report.lead, markup=False)
    tables = [report.intake, *report.scorecards, *([report.faults] if report.faults else [])]
    for table in tables:
        console.print()
        show_table(table, report.language, console)
    console.print()
    console.print(Text(say("false_alarms"), style="bold"), Text(report.false_alarms), sep="\n")
    console.print()
    show_table(report.problems, report.language, console)
