"""`andon events`: what ingest has in its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from andon.ingest.v1 import event_pb2

from andon_client.commands.filters import Json, Limit
from andon_client.listing import list_cases, list_events, take
from andon_client.suite import Suite
from andon_client.terminal import emit, run, when


def events(
    context: typer.Context,
    after: Annotated[str, typer.Option(help="Cursor to read on from. Empty: the oldest event kept.")] = "",
    case: Annotated[list[str] | None, typer.Option("--case", help="Only this case; may be repeated.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List events of the log."""

    async def work(suite: Suite) -> list[event_pb2.Event]:
        return await take(list_cases(suite, case) if case else list_events(suite, after), limit)

    found = run(context.obj, work)
    emit(found, as_json, "Events", ("time", "case", "activity", "resource", "id", "attributes"), event_row)


def event_row(event: event_pb2.Event) -> Sequence[str]:
    known = ", ".join(f"{name}={_value(value)}" for name, value in sorted(event.attributes.items()))
    return when(event.time), event.case_id, event.activity, event.resource, event.id, known


def _value(value: Any) -> str:
    kind = value.WhichOneof("kind")
    if kind == "time":
        return when(value.time)
    return str(getattr(value, kind)) if kind else ""
