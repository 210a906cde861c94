"""Tables as data: named columns and rows of cells, for the command, the report and a web page alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any, Literal, TypeAlias

from andon.improvement.v1 import problem_pb2
from andon.ingest.v1 import (
    archive_pb2,
    data_quality_pb2,
    event_pb2,
    ingest_pb2,
    privacy_pb2,
    quarantine_pb2,
    source_pb2,
)
from andon.scoring.v1 import indicator_system_pb2, score_pb2, scoring_pb2
from andon.scoring.v1.indicator_system_pb2 import Phase
from andon_records.templates import Template
from google.protobuf.timestamp_pb2 import Timestamp

from andon_client.presentation.formats import (
    language_of,
    localised,
    measured,
    number,
    optional,
    refusal_name,
    short,
    span,
    when,
)
from andon_client.presentation.limits import centre_text, delay_text, is_blind
from andon_client.presentation.next_steps import next_steps
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import named, say

FIELDS_MAX = 3
Tone: TypeAlias = Literal["", "good", "fair", "bad", "quiet"]


@dataclass(frozen=True)
class TableColumn:
    """`numeric`: aligned to the right. `whole`: never folded, so that it can be copied."""

    title: str
    numeric: bool = False
    whole: bool = False


@dataclass(frozen=True)
class TableCell:
    """depth: of a node of a hierarchy. fill: 0 to 100, shown as a bar next to the text. command: to be copied."""

    text: str
    tone: Tone = ""
    depth: int = 0
    fill: float | None = None
    command: str = ""


Row: TypeAlias = Sequence[TableCell]


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[TableColumn]
    rows: Sequence[Row]


_TONES: dict[int, Tone] = {
    score_pb2.SCORE_STATE_MET: "good",
    score_pb2.SCORE_STATE_MISSED: "bad",
    score_pb2.SCORE_STATE_NOT_ENOUGH_DATA: "quiet",
}


def fill_tone(fill: float) -> Tone:
    """Of a bar by its points."""
    return "good" if fill >= 80 else "fair" if fill >= 50 else "bad"


def table_columns(locale: str, *names: str) -> list[TableColumn]:
    """By name: ">" before it makes a numeric column, "=" one that is never folded."""
    kinds = [(name.lstrip(">="), name.startswith(">"), name.startswith("=")) for name in names]
    return [TableColumn(say(f"column_{name}", locale), numeric, whole) for name, numeric, whole in kinds]


def table_row(*texts: str) -> Row:
    return [TableCell(text) for text in texts]


def scores_table(scores: Sequence[score_pb2.Score], locale: str, notation: Notation) -> Table:
    columns = ("series", "window", ">value", ">cases", ">points", "target", "complete", ">revision")
    rows = [score_row(score, locale, notation) for score in scores]
    return Table(
        _title("scores", locale, notation, [one.series for one in scores]), table_columns(locale, *columns), rows
    )


def _title(phrase: str, locale: str, notation: Notation, keys: Sequence[str]) -> str:
    """Says the zone of the times, once for all rows."""
    if not keys:
        return say(phrase, locale)
    return say("titled", locale, title=say(phrase, locale), note=notation.caption(keys, locale))


def score_row(score: score_pb2.Score, locale: str, notation: Notation) -> Row:
    return [
        TableCell(score.series),
        TableCell(span(score.interval, locale, notation.zone(score.series))),
        TableCell(notation.value(score.series, optional(score, "value"), locale)),
        TableCell(cases_text(score, locale)),
        TableCell(number(optional(score, "points")) if score.HasField("points") else _points_range(score, locale)),
        TableCell(named(score_pb2.ScoreState, score.state, locale), _TONES.get(score.state, "")),
        TableCell(say("yes" if score.complete else "provisional", locale)),
        TableCell(str(score.revision)),
    ]


def cases_text(score: score_pb2.Score, locale: str) -> str:
    """ "1,329", or "391 of 1,329" where the measure gives some cases of the window no value."""
    if not score.unobserved_count:
        return f"{score.count:,}"
    return say("cases_of", locale, count=score.count, whole=score.count + score.unobserved_count)


def _points_range(score: score_pb2.Score, locale: str) -> str:
    low, high = optional(score, "points_low"), optional(score, "points_high")
    return "-" if low is None or high is None else say("range", locale, low=number(low), high=number(high))


def scorecard_table(
    card: scoring_pb2.GetScorecardResponse, shares: Collection[str], locale: str, zone: tzinfo
) -> Table:
    """The hierarchy of one window. shares: the indicators that are shares, which people read in per cent."""
    depth: dict[str, int] = {}
    rows = []
    for node in card.nodes:
        depth[node.name] = depth.get(node.parent, -1) + 1
        rows.append(_card_row(node, depth[node.name], node.name in shares, locale))
    window = span(card.interval, locale, zone)
    title = say("scorecard_of", locale, window=window)
    if card.interval.HasField("start"):
        title = say("titled", locale, title=title, note=say("times_in", locale, zones=zone))
    names = ("indicator", "phase", ">value", ">target", ">weight", ">cases", ">points", "state")
    return Table(title, table_columns(locale, *names), rows)


def _card_row(node: scoring_pb2.ScorecardNode, depth: int, share: bool, locale: str) -> Row:
    score, is_indicator = node.score, node.is_indicator
    points = optional(score, "points")
    state = named(score_pb2.ScoreState, score.state, locale) if is_indicator and score.state else ""
    return [
        TableCell(localised(node.title, locale) or node.name, depth=depth),
        TableCell(named(Phase, node.phase, locale) if is_indicator and node.phase else "", "quiet"),
        TableCell(measured(optional(score, "value"), node.unit, share, locale) if is_indicator else ""),
        TableCell(measured(node.target, node.unit, share, locale) if node.HasField("target") else "", "quiet"),
        TableCell(f"{node.weight_total:.0%}", "quiet"),
        TableCell(cases_text(score, locale) if is_indicator else "", "quiet"),
        TableCell(_points_range(score, locale) if points is None else number(points), fill=points),
        TableCell(state, _TONES.get(score.state, "") if is_indicator else ""),
    ]


def intake_table(counts: Iterable[ingest_pb2.GetIntakeCountsResponse.Count], locale: str) -> Table:
    rows = [
        table_row(
            one.source, *(f"{number:,}" for number in (one.received, one.accepted, one.duplicate, one.quarantined))
        )
        for one in counts
    ]
    columns = ("source", ">events_received", ">accepted", ">duplicate", ">quarantined")
    return Table(say("intake", locale), table_columns(locale, *columns), rows)


def signals_table(signals: Sequence[score_pb2.Signal], locale: str, notation: Notation) -> Table:
    columns = ("window", "series", "rule", ">value", ">centre", ">limits", ">arl0", ">delay", "direction", "state")
    rows = [signal_row(signal, locale, notation) for signal in signals]
    title = _title("signals_title", locale, notation, [signal.series for signal in signals])
    return Table(title, table_columns(locale, *columns), rows)


def signal_row(signal: score_pb2.Signal, locale: str, notation: Notation) -> Row:
    active = TableCell(say("active", locale))
    retracted = TableCell(say("retracted", locale, reason=signal.reason), "quiet")
    value = partial(notation.value, signal.series, locale=locale)
    calibration = signal.baseline.calibration
    return [
        *table_row(
            span(signal.interval, locale, notation.zone(signal.series)),
            signal.series,
            signal.rule,
            value(signal.value),
            centre_text(value(signal.centre), signal.baseline),
            say("range", locale, low=value(signal.lower), high=value(signal.upper)),
            number(signal.arl0),
        ),
        TableCell(delay_text(calibration), "bad" if is_blind(calibration) else ""),
        TableCell(say("worse" if signal.adverse else "better", locale), "bad" if signal.adverse else "good"),
        retracted if signal.state == score_pb2.Signal.STATE_RETRACTED else active,
    ]


def problems_table(
    problems: Sequence[problem_pb2.Problem], locale: str, notation: Notation, with_step: bool = False
) -> Table:
    """with_step: what the next step is, with the command for it."""
    columns = ["=problem", "process", "title", "state", ">severity", ">signals", "cause", "owner", "since"]
    columns += ["next_step"] if with_step else []
    rows = [
        [*problem_row(problem, locale, notation), *([_step_cell(problem, locale)] if with_step else [])]
        for problem in problems
    ]
    title = _title("problems", locale, notation, [problem_system(problem) for problem in problems])
    return Table(title, table_columns(locale, *columns), rows)


def _step_cell(problem: problem_pb2.Problem, locale: str) -> TableCell:
    step = next(iter(next_steps(problem)), None)
    return TableCell(say(step.meaning, locale), command=step.command) if step else TableCell("-")


def problem_system(problem: problem_pb2.Problem) -> str:
    """ "process/system", as keys of series begin."""
    return f"{problem.process}/{problem.system}"


def problem_row(problem: problem_pb2.Problem, locale: str, notation: Notation) -> Row:
    return table_row(
        problem.name,
        problem.process,
        localised(problem.title, locale),
        named(problem_pb2.ProblemState, problem.state, locale),
        f"{problem.severity:.1f}" if problem.severity else "-",
        str(len(problem.signals)),
        cause_text(problem.causes[0], locale) if problem.causes else "-",
        problem.owner or "-",
        span(problem.interval, locale, notation.zone(problem_system(problem))),
    )


def cause_text(cause: problem_pb2.Cause, locale: str) -> str:
    """With its share of the change, where it was found from data."""
    share = f" ({cause.contribution:.0%})" if cause.HasField("contribution") else ""
    return localised(cause.title, locale) + share


def events_table(events: Iterable[event_pb2.Event], locale: str) -> Table:
    columns = ("time", "case", "activity", "resource", "id", "attributes")
    return Table(say("events", locale), table_columns(locale, *columns), [event_row(event) for event in events])


def event_row(event: event_pb2.Event) -> Row:
    known = ", ".join(f"{name}={_value(value)}" for name, value in sorted(event.attributes.items()))
    return table_row(when(event.time), event.case_id, event.activity, event.resource, event.id, known)


def _value(value: Any) -> str:
    kind = value.WhichOneof("kind")
    if kind == "time":
        return when(value.time)
    return str(getattr(value, kind)) if kind else ""


def event_text(event: event_pb2.Event) -> str:
    """All that an event says, on one line."""
    texts = {name: getattr(event, name) for name in ("id", "source", "case_id", "activity", "resource")}
    texts["time"] = _moment(event.time) if event.HasField("time") else ""
    texts |= {name: getattr(event, name) for name in ("supersedes", "retracts")}
    for name, value in sorted(event.attributes.items()):
        texts[name] = _moment(value.time) if value.HasField("time") else _value(value)
    return ", ".join(f"{name}={value}" for name, value in texts.items() if value)


def _moment(moment: Timestamp) -> str:
    """A refused event may hold a time that no calendar has."""
    try:
        return moment.ToJsonString()
    except ValueError:
        return f"{moment.seconds} s"


def quarantine_table(events: Iterable[quarantine_pb2.QuarantinedEvent], locale: str) -> Table:
    columns = ("=quarantine_id", "refused", "source", "field", "refusal", "state", ">received", "event")
    rows = [
        table_row(
            one.quarantine_id,
            when(one.quarantine_time),
            one.event.source,
            one.rejection.field,
            refusal_name(one.rejection.reason),
            named(quarantine_pb2.QuarantineState, one.state, locale),
            f"{one.received_count:,}",
            event_text(one.corrected_event if one.HasField("corrected_event") else one.event),
        )
        for one in events
    ]
    return Table(say("quarantine", locale), table_columns(locale, *columns), rows)


def quarantine_counts_table(counts: Iterable[quarantine_pb2.GetQuarantineCountsResponse.Count], locale: str) -> Table:
    columns = ("source", "field", "refusal", "state", ">entries", ">received", "oldest")
    rows = [
        table_row(
            one.source or "-",
            one.field,
            refusal_name(one.reason),
            named(quarantine_pb2.QuarantineState, one.state, locale),
            f"{one.entry_count:,}",
            f"{one.event_count:,}",
            when(one.oldest_time),
        )
        for one in counts
    ]
    return Table(say("quarantine_counts", locale), table_columns(locale, *columns), rows)


def systems_table(systems: Iterable[indicator_system_pb2.IndicatorSystem], locale: str) -> Table:
    rows = [
        table_row(
            system.name,
            str(system.version),
            named(indicator_system_pb2.IndicatorSystem.State, system.state, locale),
            when(system.create_time),
        )
        for system in systems
    ]
    return Table(say("systems", locale), table_columns(locale, "name", ">version", "state", "created"), rows)


def archive_table(files: Iterable[archive_pb2.ArchiveFile], locale: str) -> Table:
    columns = ("=archive_key", "archived", "commits_from", "commits_to", ">event_count", ">byte_count")
    rows = [
        table_row(
            one.key,
            when(one.archive_time),
            when(one.commit_time_first),
            when(one.commit_time_last),
            f"{one.event_count:,}",
            f"{one.byte_count:,}",
        )
        for one in files
    ]
    return Table(say("archive_files", locale), table_columns(locale, *columns), rows)


def erasures_table(erasures: Iterable[privacy_pb2.Erasure], locale: str) -> Table:
    columns = ("=name", "erased", "actor", "refusal", ">values", ">secrets", ">refused_events", ">lists")
    rows = [
        table_row(
            one.name,
            when(one.erase_time),
            one.actor,
            one.reason or "-",
            f"{one.value_count:,}",
            f"{one.person_count:,}",
            f"{one.quarantined_count:,}",
            f"{one.vocabulary_count:,}",
        )
        for one in erasures
    ]
    return Table(say("erasures", locale), table_columns(locale, *columns), rows)


def sources_table(
    sources: Iterable[source_pb2.Source],
    locale: str,
    activities: Mapping[str, data_quality_pb2.SourceActivity] | None = None,
) -> Table:
    """activities: by id of source, to show which are silent; None: without that column."""
    columns = ["=name", "kind", "title", "mapped", "horizon", "earliest", "ahead", "persons", "created", "etag"]
    if activities is not None:
        columns.insert(3, "silent")
    rows = []
    for source in sources:
        row = table_row(
            source.name,
            named(source_pb2.SourceKind, source.kind, locale),
            localised(source.title, locale) or "-",
            say("yes" if source.HasField("mapping") else "no", locale),
            str(source.dedup_horizon.ToTimedelta()),
            when(source.time_earliest),
            str(source.future_tolerance.ToTimedelta()),
            ", ".join(f"{one.field}: {short(source_pb2.Treatment, one.treatment)}" for one in source.policies) or "-",
            when(source.create_time),
            source.etag,
        )
        if activities is not None:
            silent = _silent_cell(activities.get(source.name.removeprefix("sources/")), locale)
            row = [*row[:3], silent, *row[3:]]
        rows.append(row)
    return Table(say("sources", locale), table_columns(locale, *columns), rows)


def _silent_cell(activity: data_quality_pb2.SourceActivity | None, locale: str) -> TableCell:
    """-: nothing came yet, or it is not known how long the source may be silent."""
    if activity is None or not (activity.silent or activity.HasField("due_time")):
        return TableCell("-")
    if not activity.silent:
        return TableCell(say("no", locale))
    return TableCell(say("silent_since", locale, time=when(activity.last_time)), tone="bad")


def source_activity_table(activities: Iterable[data_quality_pb2.SourceActivity], locale: str) -> Table:
    rows = [
        [
            TableCell(one.source),
            TableCell(when(one.last_time)),
            TableCell(when(one.due_time) if one.HasField("due_time") else "-"),
            TableCell(named(data_quality_pb2.RhythmBasis, one.basis, locale) if one.basis else "-"),
            TableCell(number(one.weekly_count if one.HasField("weekly_count") else None)),
            TableCell(say("yes" if one.silent else "no", locale), tone="bad" if one.silent else ""),
        ]
        for one in activities
    ]
    columns = ("=name", "last_time", "due_time", "basis", ">weekly_count", "silent")
    return Table(say("source_activity", locale), table_columns(locale, *columns), rows)


def data_quality_table(days: Iterable[data_quality_pb2.DataQuality], locale: str) -> Table:
    shares = ("completeness", "validity", "uniqueness", "timeliness", "consistency")
    columns = ("=name", "=window", ">received", *(f">{name}" for name in shares), "at_fault")
    rows = [
        table_row(
            day.source or "-",
            f"{day.interval.start.ToDatetime():%Y-%m-%d}",
            f"{day.received:,}",
            *(_percent(one) for one in day.dimensions),
            _at_fault(day),
        )
        for day in days
    ]
    return Table(say("data_quality", locale), table_columns(locale, *columns), rows)


def _percent(one: data_quality_pb2.DataQuality.Dimension) -> str:
    if not one.HasField("share"):
        return "-"
    # What has a fault never looks like what has none.
    return f"{math.floor(one.share * 1000) / 10:.1f} %" if one.failed else "100 %"


def _at_fault(day: data_quality_pb2.DataQuality) -> str:
    """The fields at which most events fail."""
    counts: Counter[str] = Counter()
    for one in day.dimensions:
        for field in one.fields:
            counts[field.field] += field.failed
    return ", ".join(f"{field} ({count:,})" for field, count in counts.most_common(FIELDS_MAX)) or "-"


def templates_table(templates: Iterable[Template], locale: str) -> Table:
    rows = [table_row(one.name, one.title[language_of(locale)]) for one in templates]
    return Table(say("templates", locale), table_columns(locale, "=name", "records"), rows)


def findings_table(findings: Iterable[scoring_pb2.LintFinding], locale: str) -> Table:
    rows = [
        table_row(
            named(scoring_pb2.LintFinding.Severity, finding.severity, locale),
            finding.field,
            finding.check,
            localised(finding.message, locale),
        )
        for finding in findings
    ]
    return Table(say("findings", locale), table_columns(locale, "severity", "field", "check", "message"), rows)
