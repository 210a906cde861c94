"""The report as data: tables of the client, charts and texts, which the terminal and the page render."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from andon.improvement.v1 import problem_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import scoring_pb2
from andon_client.load_report import LoadReport
from andon_client.presentation.formats import localised, span, when
from andon_client.presentation.tables import (
    Row,
    Table,
    TableCell,
    TableColumn,
    intake_table,
    problems_table,
    scorecard_table,
)

from demo.charts import fault_title, pareto, with_faults
from demo.detection import FalseAlarms, FaultFinding
from demo.report_texts import Say
from demo.results import Findings

CHARTS_SHOWN = 6
SERIES_NAMED = 4


@dataclass(frozen=True)
class Report:
    language: str
    lead: str
    intake: Table
    scorecards: Sequence[Table]
    faults: Table | None
    false_alarms: str
    problems: Table
    charts: Sequence[scoring_pb2.GetControlChartResponse]
    chart_specs: Sequence[dict[str, Any]]
    unjudged: Sequence[tuple[str, str]]
    pareto_spec: dict[str, Any] | None


def build(
    findings: Findings,
    loaded: LoadReport,
    faults: Sequence[FaultFinding],
    false_alarms: FalseAlarms,
    say: Say,
    language: str,
) -> Report:
    zone = findings.zone
    charts = _worth_showing(findings)
    return Report(
        language=language,
        lead=_lead(findings, say, language),
        intake=_intake(findings, loaded, say, language),
        scorecards=[scorecard_table(card, findings.shares, language, zone) for card in findings.scorecards],
        faults=_faults(faults, say, language) if faults else None,
        false_alarms=_false_alarm_text(false_alarms, bool(faults), say),
        problems=problems_table(findings.problems, language, findings.notation, with_step=True),
        charts=charts,
        chart_specs=[with_faults(chart, faults, say, language, zone) for chart in charts],
        unjudged=_unjudged(findings, say, language),
        pareto_spec=pareto(findings.problems, say, language) if findings.problems else None,
    )


def _intake(findings: Findings, loaded: LoadReport, say: Say, language: str) -> Table:
    """Of this run, and where there were earlier ones of all together too."""
    received = loaded.accepted + loaded.duplicate + loaded.quarantined
    this_run = ingest_pb2.GetIntakeCountsResponse.Count(
        source=findings.process,
        received=received,
        accepted=loaded.accepted,
        duplicate=loaded.duplicate,
        quarantined=loaded.quarantined,
    )
    earlier = [one for one in findings.counts if one.received > received]
    table = intake_table([this_run, *earlier], language)
    labels = [say("this_run"), say("all_runs")]
    rows = [[TableCell(f"{row[0].text}, {label}"), *row[1:]] for row, label in zip(table.rows, labels, strict=False)]
    return replace(table, rows=rows) if earlier else table


def _lead(findings: Findings, say: Say, language: str) -> str:
    cases = sum(partition.case_count for partition in findings.partitions)
    events = sum(count.accepted for count in findings.counts)
    last = max((partition.watermark for partition in findings.partitions), key=lambda time: time.seconds, default=None)
    starts = [chart.points[0].interval for chart in findings.charts if chart.points]
    first = min(starts, key=lambda interval: interval.start.seconds, default=None)
    start = span(first, language, findings.zone) if first else "-"
    end = when(last, findings.zone)[:10] if last else "-"
    return say("lead", events=f"{events:,}", cases=f"{cases:,}", start=start, end=end, zone=str(findings.zone))


def _faults(findings: Sequence[FaultFinding], say: Say, language: str) -> Table:
    columns = [TableColumn(say(name), numeric=name == "delay") for name in ("fault", "from_until", "found", "delay")]
    columns += [TableColumn(say("cause")), TableColumn(say("cause_judged"))]
    rows: list[Row] = []
    for finding in findings:
        signal, delay, cause = finding.signal, finding.delay, "-"
        series = signal.series.split("/")[-1] if signal else ""
        found = say("found_by", rule=signal.rule, series=series) if signal else say("missed_fault")
        judged = say("cause_right") if finding.cause_is_right else say("cause_wrong")
        if finding.problem:
            slice_ = sorted(finding.problem.slice.items())
            cause = ", ".join(f"{name} = {value}" for name, value in slice_) or say("overall")
        rows.append(
            [
                TableCell(fault_title(finding.fault, language)),
                TableCell(f"{finding.start:%Y-%m-%d}, {finding.end:%Y-%m-%d}", "quiet"),
                TableCell(found, "good" if signal else "bad"),
                TableCell(say("days", days=delay.total_seconds() / 86_400) if delay is not None else "-"),
                TableCell(cause),
                TableCell(judged, "good" if finding.cause_is_right else "bad") if signal else TableCell(""),
            ]
        )
    return Table(say("faults"), columns, rows)


def _false_alarm_text(false_alarms: FalseAlarms, faults_known: bool, say: Say) -> str:
    return say(
        "false_alarm_text" if faults_known else "false_alarm_text_unknown",
        seen=f"{false_alarms.seen:,}",
        windows=f"{false_alarms.windows:,}",
        series=f"{false_alarms.series:,}",
        rate=f"{false_alarms.seen / false_alarms.windows:.2%}" if false_alarms.windows else "-",
        expected=f"{false_alarms.expected:.1f}",
    )


def _worth_showing(findings: Findings) -> list[scoring_pb2.GetControlChartResponse]:
    """For each problem the chart that shows it best: of the slice it names, else of the whole; then the others."""
    by_key = {chart.series.key: chart for chart in findings.charts}
    wanted = [key for problem in findings.problems for key in _series_of(problem) if key in by_key]
    return [by_key[key] for key in dict.fromkeys([*wanted, *by_key])][:CHARTS_SHOWN]


def _unjudged(findings: Findings, say: Say, language: str) -> list[tuple[str, str]]:
    """What phase I waits for, and the series of which it does: the first of them by name, and how many more."""
    waiting: dict[str, list[str]] = {}
    for chart in findings.unjudged:
        waiting.setdefault(localised(chart.phase_one.explanation, language), []).append(chart.series.key)
    lines = []
    for why, keys in sorted(waiting.items(), key=lambda item: -len(item[1])):
        named, more = ", ".join(sorted(keys)[:SERIES_NAMED]), len(keys) - SERIES_NAMED
        lines.append((why, named + (say("and_more", count=more) if more > 0 else "")))
    return lines


def _series_of(problem: problem_pb2.Problem) -> list[str]:
    """The series that alarmed most often, those of the problem's own slice first; symptoms are left to the others."""
    counts = Counter(signal.series for signal in problem.signals if not signal.symptom)
    mine = "{" + ",".join(f"{name}={value}" for name, value in sorted(problem.slice.items())) + "}"

    def rank(key: str) -> tuple[bool, int, str]:
        fits = key.endswith(mine) if problem.slice else "{" not in key
        return (not fits, -counts[key], key)

    return sorted(counts, key=rank)[:1]
