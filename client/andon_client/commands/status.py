"""`andon status`: processing progress of each service."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import typer
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import scoring_pb2

from andon_client.commands.filters import Json
from andon_client.presentation.formats import when
from andon_client.presentation.phrases import say
from andon_client.suite import Suite
from andon_client.terminal import Context, as_document, emit_document, run, screen

NOT_SERVING = improvement_pb2.GetImprovementStatusResponse.Intake.STATE_NOT_SERVING


@dataclass(frozen=True)
class SuiteStatus:
    bounds: ingest_pb2.GetWatchBoundsResponse
    intake: ingest_pb2.GetIntakeCountsResponse
    scoring: scoring_pb2.GetScoringStatusResponse
    improvement: improvement_pb2.GetImprovementStatusResponse


def status(context: typer.Context, as_json: Json = False) -> None:
    """Show the progress of each service and the balance of received events."""
    options: Context = context.obj
    found = run(options, _progress)
    if as_json:
        emit_document({"service": "ingest", **as_document(found.bounds), **as_document(found.intake)})
        emit_document({"service": "scoring", **as_document(found.scoring)})
        emit_document({"service": "improvement", **as_document(found.improvement)})
        return
    for service, lines in _lines(found, options.locale).items():
        first, *others = lines
        screen.print(f"[bold]{service:<12}[/] {first}")
        for line in others:
            screen.print(f"  {line}", markup=False)


async def _progress(suite: Suite) -> SuiteStatus:
    return SuiteStatus(
        *await asyncio.gather(
            suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest()),
            suite.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest()),
            suite.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest()),
            suite.improvement.GetImprovementStatus(improvement_pb2.GetImprovementStatusRequest()),
        )
    )


def _lines(found: SuiteStatus, locale: str) -> dict[str, list[str]]:
    bounds, scoring, improvement = found.bounds, found.scoring, found.improvement
    latest = say("status_latest", locale, time=when(bounds.watermark)) if bounds.HasField("watermark") else ""
    behind = sum(partition.through != bounds.newest for partition in scoring.partitions)
    lag = {"behind": behind, "count": len(scoring.partitions)}
    progress = say("status_behind", locale, **lag) if behind else say("status_current", locale)
    scored = {"scores": f"{scoring.score_count:,}", "signals": f"{scoring.signal_count:,}"}
    problems = {"open": f"{improvement.open_count:,}", "total": f"{improvement.total_count:,}"}
    return {
        "ingest": [
            say("status_ingest", locale, count=f"{bounds.event_count:,}", latest=latest),
            *(line for count in found.intake.counts for line in _balance(count, locale)),
        ],
        "scoring": [
            say("status_scoring", locale, **scored, progress=progress),
            *(_stopped(one, locale) for one in scoring.systems if one.state == one.STATE_NOT_SERVING),
            *(_dropped(one, slice_, locale) for one in scoring.systems for slice_ in one.dropped_slices),
        ],
        "improvement": [
            say("status_improvement", locale, **problems),
            *([_no_signals(improvement.intake, locale)] if improvement.intake.state == NOT_SERVING else []),
        ],
    }


def _balance(count: ingest_pb2.GetIntakeCountsResponse.Count, locale: str) -> list[str]:
    """What came from a source, and where anything was cleaned or replayed, how much."""
    numbers = {name: f"{getattr(count, name):,}" for name in ("received", "accepted", "duplicate", "quarantined")}
    lines = [say("status_source", locale, source=count.source, **numbers)]
    if count.cleaned:
        values = ", ".join(f"{one.rule} {one.field} {one.count:,}" for one in count.cleaned_values)
        lines.append("  " + say("status_cleaned", locale, count=f"{count.cleaned:,}", values=values))
    if count.replayed or count.discarded or count.expired:
        numbers = {name: f"{getattr(count, name):,}" for name in ("replayed", "discarded", "expired")}
        lines.append("  " + say("status_quarantine", locale, **numbers))
    return lines


def _stopped(system: scoring_pb2.GetScoringStatusResponse.System, locale: str) -> str:
    reason = getattr(system.reason, locale) or system.reason.en
    return say("status_stopped", locale, system=system.name, time=when(system.stop_time), reason=reason)


def _dropped(
    system: scoring_pb2.GetScoringStatusResponse.System,
    slice_: scoring_pb2.GetScoringStatusResponse.DroppedSlice,
    locale: str,
) -> str:
    reason = getattr(slice_.reason, locale) or slice_.reason.en
    return say("status_dropped", locale, system=system.name, time=when(slice_.drop_time), reason=reason)


def _no_signals(intake: improvement_pb2.GetImprovementStatusResponse.Intake, locale: str) -> str:
    reason = getattr(intake.reason, locale) or intake.reason.en
    return say("status_no_signals", locale, time=when(intake.stop_time), reason=reason)
