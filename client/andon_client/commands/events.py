"""`andon events`: events of the log."""

from __future__ import annotations

from typing import Annotated

import typer
from andon.ingest.v1 import event_pb2

from andon_client.commands.filters import Json, Limit
from andon_client.listing import list_cases, list_events, take
from andon_client.presentation.tables import events_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, run


def events(
    context: typer.Context,
    after: Annotated[str, typer.Option(help="Cursor to resume after. Default: the oldest event retained.")] = "",
    case: Annotated[list[str] | None, typer.Option("--case", help="Only this case; may be repeated.")] = None,
    source: Annotated[list[str] | None, typer.Option("--source", help="Only this source; may be repeated.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List events of the log, in commit order."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[event_pb2.Event]:
        found = list_cases(suite, case) if case else list_events(suite, after)
        return await take((event async for event in found if not source or event.source in source), limit)

    emit(run(options, work), as_json, events_table, options.locale)
