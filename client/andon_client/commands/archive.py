"""`andon archive`: events that have left the database for Parquet files."""

from __future__ import annotations

import typer
from andon.ingest.v1 import archive_pb2

from andon_client.commands.filters import Json, Limit
from andon_client.commands.write_options import ValidateOnly
from andon_client.listing import list_archive_files, take
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import archive_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_document, run, screen

FILES_AT_ONCE = 20


def show(context: typer.Context, limit: Limit = 50, as_json: Json = False) -> None:
    """Show how much is archived, and the files, oldest first."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[archive_pb2.GetArchiveResponse, list[archive_pb2.ArchiveFile]]:
        request = archive_pb2.ListArchiveFilesRequest(page_size=min(limit, 1_000))
        totals = await suite.archive.GetArchive(archive_pb2.GetArchiveRequest())
        return totals, await take(list_archive_files(suite, request), limit)

    totals, files = run(options, work)
    emit(files, as_json, archive_table, options.locale)
    if as_json:
        return
    if not totals.configured:
        screen.print(say("archive_none", options.locale))
    counts = {"files": totals.file_count, "events": totals.event_count, "bytes": totals.byte_count}
    screen.print(say("archive_totals", options.locale, **counts))


def run_now(context: typer.Context, validate_only: ValidateOnly = False, as_json: Json = False) -> None:
    """Archive what is due now, as the service does by itself every hour."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[int, int]:
        events = files = 0
        while True:
            done = await suite.archive.ArchiveEvents(archive_pb2.ArchiveEventsRequest(validate_only=validate_only))
            events, files = events + done.event_count, files + done.file_count
            if done.complete or validate_only:
                return events, files

    events, files = run(options, work)
    if as_json:
        emit_document({"events": events, "files": files})
    else:
        screen.print(
            say("archive_due" if validate_only else "archive_moved", options.locale, events=events, files=files)
        )


def verify(context: typer.Context, as_json: Json = False) -> None:
    """Read the files and compare them with the hashes recorded when they were written."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[int, int, list[archive_pb2.VerifyArchiveResponse.Fault]]:
        request, files, size = archive_pb2.VerifyArchiveRequest(page_size=FILES_AT_ONCE), 0, 0
        faults: list[archive_pb2.VerifyArchiveResponse.Fault] = []
        while True:
            page = await suite.archive.VerifyArchive(request)
            files, size = files + page.file_count, size + page.byte_count
            faults += page.faults
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return files, size, faults

    files, size, faults = run(options, work)
    if as_json:
        named = [{"key": one.key, "reason": one.reason} for one in faults]
        emit_document({"files": files, "bytes": size, "faults": named})
        if faults:
            raise typer.Exit(1)
    elif faults:
        for one in faults:
            screen.print(say("archive_fault", options.locale, key=one.key, reason=one.reason), markup=False)
        raise typer.Exit(1)
    else:
        screen.print(say("archive_sound", options.locale, files=files, bytes=size))
