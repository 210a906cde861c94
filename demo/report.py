"""The report as data, which the terminal and the page render."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import indicator_system_pb2, score_pb2, scoring_pb2
from andon_client.presentation.formats import localised, number, optional, short, span, when
from andon_client.presentation.next_steps import next_steps
from andon_client.presentation.phrases import say as phrase
from andon_client.presentation.tables import cases_text, cause_text

from demo.detection import FalseAlarms, FaultFinding
from demo.report_texts import Say
from demo.results import Findings
from demo.simulation import PlantedFault

CHARTS_SHOWN = 6
SERIES_NAMED = 4


@dataclass(frozen=True)
class ScoreLine:
    depth: int
    title: str
    phase: str
    value: str
    target: str
    weight: str
    points: float | None
    points_text: str
    cases: str
    state: str
    state_text: str


@dataclass(frozen=True)
class FaultLine:
    title: str
    span: str
    found: bool
    found_by: str
    delay: str
    cause: str
    cause_is_right: bool


@dataclass(frozen=True)
class ProblemLine:
    name: str
    title: str
    severity: str
    signals: int
    cause: str
    since: str
    next_step: str
    next_command: str


@dataclass(frozen=True)
class Report:
    language: str
    lead: str
    intake: Sequence[tuple[str, str, str, str, str]]
    scorecards: Sequence[tuple[str, Sequence[ScoreLine]]]
    faults: Sequence[FaultLine]
    false_alarms: str
    problems: Sequence[ProblemLine]
    charts: Sequence[scoring_pb2.GetControlChartResponse]
    chart_specs: Sequence[dict[str, Any]]
    unjudged: Sequence[tuple[str, str]]
    pareto_spec: dict[str, Any] | None


def build(
    findings: Findings, faults: Sequence[FaultFinding], false_alarms: FalseAlarms, say: Say, language: str
) -> Report:
    zone = findings.zone
    problems = [_problem_line(problem, say, language, zone) for problem in findings.problems]
    charts = _worth_showing(findings)
    return Report(
        language=language,
        lead=_lead(findings, say, language),
        intake=[
            (c.source, f"{c.received:,}", f"{c.accepted:,}", f"{c.duplicate:,}", f"{c.quarantined:,}")
            for c in findings.counts
        ],
        scorecards=[
            (_card_title(card, say, language, zone), _score_lines(card, findings.shares, say, language))
            for card in findings.scorecards
        ],
        faults=[_fault_line(finding, say, language) for finding in faults],
        false_alarms=_false_alarm_text(false_alarms, bool(faults), say),
        problems=problems,
        charts=charts,
        chart_specs=[_with_faults(chart, faults, say, language, zone) for chart in charts],
        unjudged=_unjudged(findings, say, language),
        pareto_spec=_pareto(problems, say) if problems else None,
    )


def _lead(findings: Findings, say: Say, language: str) -> str:
    cases = sum(partition.case_count for partition in findings.partitions)
    events = sum(count.accepted for count in findings.counts)
    last = max((partition.watermark for partition in findings.partitions), key=lambda time: time.seconds, default=None)
    starts = [chart.points[0].interval for chart in findings.charts if chart.points]
    first = min(starts, key=lambda interval: interval.start.seconds, default=None)
    start = span(first, language, findings.zone) if first else "-"
    end = when(last, findings.zone)[:10] if last else "-"
    return say("lead", events=f"{events:,}", cases=f"{cases:,}", start=start, end=end, zone=str(findings.zone))


def _card_title(card: scoring_pb2.GetScorecardResponse, say: Say, language: str, zone: tzinfo) -> str:
    return say("week_of", start=span(card.interval, language, zone)) if card.interval.start.seconds else say("all_time")


def _score_lines(
    card: scoring_pb2.GetScorecardResponse, shares: frozenset[str], say: Say, language: str
) -> list[ScoreLine]:
    depth: dict[str, int] = {}
    lines = []
    for node in card.nodes:
        depth[node.name] = depth.get(node.parent, -1) + 1
        lines.append(_score_line(node, depth[node.name], node.name in shares, say, language))
    return lines


def _score_line(node: scoring_pb2.ScorecardNode, depth: int, share: bool, say: Say, language: str) -> ScoreLine:
    score = node.score
    state = short(score_pb2.ScoreState, score.state).replace(" ", "_") if node.is_indicator else ""
    phase = short(indicator_system_pb2.Phase, node.phase)
    value = optional(score, "value")
    points, low, high = (optional(score, name) for name in ("points", "points_low", "points_high"))
    interval = f"{low:.0f}-{high:.0f}" if low is not None and high is not None else "-"
    return ScoreLine(
        depth=depth,
        title=localised(node.title, language) or node.name,
        phase=say(phase) if node.is_indicator and phase != "unspecified" else "",
        value=("-" if value is None else _quantity(value, node.unit, share)) if node.is_indicator else "",
        target=_quantity(node.target, node.unit, share) if node.HasField("target") else "",
        weight=f"{node.weight_total:.0%}",
        points=points,
        points_text=interval if points is None else f"{points:.0f}",
        cases=cases_text(score, language) if node.is_indicator else "",
        state=state,
        state_text=say(state) if state not in ("", "unspecified") else "",
    )


def _quantity(value: float, unit: str, share: bool) -> str:
    return f"{value * 100:.3g} %" if share else f"{number(value)} {unit}".rstrip()


def _fault_line(finding: FaultFinding, say: Say, language: str) -> FaultLine:
    fault, signal = finding.fault, finding.signal
    delay = finding.delay
    series = signal.series.split("/")[-1] if signal else ""
    cause = _slice_text(dict(finding.problem.slice), say) if finding.problem else "-"
    return FaultLine(
        title=fault_title(fault, language),
        span=f"{finding.start:%Y-%m-%d}, {finding.end:%Y-%m-%d}",
        found=signal is not None,
        found_by=say("found_by", rule=signal.rule, series=series) if signal else say("missed_fault"),
        delay=say("days", days=delay.total_seconds() / 86_400) if delay is not None else "-",
        cause=cause,
        cause_is_right=finding.cause_is_right,
    )


def fault_title(fault: PlantedFault, language: str) -> str:
    return fault.title_zh if language.startswith("zh") else fault.title_en


def _slice_text(slice_: dict[str, str], say: Say) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sorted(slice_.items())) or say("overall")


def _false_alarm_text(false_alarms: FalseAlarms, faults_known: bool, say: Say) -> str:
    return say(
        "false_alarm_text" if faults_known else "false_alarm_text_unknown",
        seen=f"{false_alarms.seen:,}",
        windows=f"{false_alarms.windows:,}",
        series=f"{false_alarms.series:,}",
        rate=f"{false_alarms.seen / false_alarms.windows:.2%}" if false_alarms.windows else "-",
        expected=f"{false_alarms.expected:.1f}",
    )


def _problem_line(problem: problem_pb2.Problem, say: Say, language: str, zone: tzinfo) -> ProblemLine:
    step = next(iter(next_steps(problem)), None)
    return ProblemLine(
        name=problem.name,
        title=localised(problem.title, language),
        severity=f"{problem.severity:.1f}",
        signals=len(problem.signals),
        cause=cause_text(problem.causes[0], language) if problem.causes else say("none"),
        since=span(problem.interval, language, zone),
        next_step=phrase(step.meaning, language) if step else "-",
        next_command=step.command if step else "",
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


def _with_faults(
    chart: scoring_pb2.GetControlChartResponse, faults: Sequence[FaultFinding], say: Say, language: str, zone: tzinfo
) -> dict[str, Any]:
    """The service's own spec with a band behind it for each injected fault that the series must show."""
    spec: dict[str, Any] = json.loads(chart.vega_lite)
    spec |= {"width": "container", "height": 260}
    bands = [
        {"clock": _clock(f.start, zone), "clock_end": _clock(f.end, zone), "fault": fault_title(f.fault, language)}
        for f in faults
        if chart.series.indicator in f.fault.indicators
    ]
    if bands and "layer" in spec:
        spec["layer"] = [_band_layer(bands, say), *spec["layer"]]
    return spec


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%SZ}"


def _band_layer(bands: list[dict[str, str]], say: Say) -> dict[str, Any]:
    return {
        "data": {"values": bands},
        "mark": {"type": "rect", "color": "#f2b134", "opacity": 0.28},
        "encoding": {
            # As the service's own layers have it: what the clocks of the zone show, on a UTC scale.
            "x": {"field": "clock", "type": "temporal", "scale": {"type": "utc"}},
            "x2": {"field": "clock_end"},
            "tooltip": {"field": "fault", "title": say("injected")},
        },
    }


def _pareto(problems: Sequence[ProblemLine], say: Say) -> dict[str, Any]:
    ranked = sorted(problems, key=lambda line: (-line.signals, line.title))[:12]
    total, running, rows = sum(line.signals for line in problems) or 1, 0, []
    for line in ranked:
        running += line.signals
        rows.append({"problem": line.title, "signals": line.signals, "share": running / total})
    order = {"field": "problem", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": "container",
        "height": 260,
        "data": {"values": rows},
        "encoding": {"x": order},
        "resolve": {"scale": {"y": "independent"}},
        "layer": [
            {
                "mark": {"type": "bar", "color": "#3566a8", "tooltip": True},
                "encoding": {"y": {"field": "signals", "type": "quantitative", "title": say("signals")}},
            },
            {
                "mark": {"type": "line", "point": True, "color": "#c8442f", "tooltip": True},
                "encoding": {
                    "y": {
                        "field": "share",
                        "type": "quantitative",
                        "title": say("cumulative"),
                        "axis": {"format": "%"},
                        "scale": {"domain": [0, 1]},
                    }
                },
            },
        ],
    }
