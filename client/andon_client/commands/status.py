"""`andon status`: how far each service has come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import typer
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import scoring_pb2

from andon_client.commands.filters import Json
from andon_client.suite import Suite
from andon_client.terminal import as_document, emit_document, run, screen, when


@dataclass(frozen=True)
class Standing:
    bounds: ingest_pb2.GetWatchBoundsResponse
    intake: ingest_pb2.GetIntakeCountsResponse
    scoring: scoring_pb2.GetScoringStatusResponse
    improvement: improvement_pb2.GetImprovementStatusResponse


def status(context: typer.Context, as_json: Json = False) -> None:
    """Say how far each service has come, and whether what came in adds up."""
    found = run(context.obj, _standing)
    if as_json:
        _emit(found)
    else:
        _show(found)


async def _standing(suite: Suite) -> Standing:
    return Standing(
        *await asyncio.gather(
            suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest()),
            suite.ingest.GetIntakeCounts(ingest_pb2.GetIntakeCountsRequest()),
            suite.scoring.GetScoringStatus(scoring_pb2.GetScoringStatusRequest()),
            suite.improvement.GetImprovementStatus(improvement_pb2.GetImprovementStatusRequest()),
        )
    )


def _emit(found: Standing) -> None:
    """A line per service."""
    emit_document({"service": "ingest", **as_document(found.bounds), **as_document(found.intake)})
    emit_document({"service": "scoring", **as_document(found.scoring)})
    emit_document({"service": "improvement", **as_document(found.improvement)})


def _show(found: Standing) -> None:
    bounds, scoring, improvement = found.bounds, found.scoring, found.improvement
    latest = f", latest {when(bounds.watermark)}" if bounds.HasField("watermark") else ""
    screen.print(f"[bold]ingest[/]       {bounds.event_count:,} events{latest}")
    for count in found.intake.counts:
        screen.print(
            f"  {count.source}: {count.received:,} received = {count.accepted:,} accepted"
            f" + {count.duplicate:,} duplicate + {count.quarantined:,} quarantined",
            markup=False,
        )
    behind = sum(partition.through != bounds.newest for partition in scoring.partitions)
    screen.print(
        f"[bold]scoring[/]      {scoring.score_count:,} scores, {scoring.signal_count:,} signals; "
        + (f"{behind} of {len(scoring.partitions)} partitions behind" if behind else "up to date")
    )
    screen.print(f"[bold]improvement[/]  {improvement.open_count:,} problems open of {improvement.total_count:,}")
