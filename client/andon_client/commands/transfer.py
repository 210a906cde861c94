"""`andon transfer`: whole files for the service to read, which goes on by itself once they are uploaded."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import grpc
import typer
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import mapping_pb2, transfer_pb2
from google.protobuf import json_format
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from andon_client.commands.filters import Json, Limit
from andon_client.follow import Backoff, is_retryable, requested_delay_s
from andon_client.listing import list_transfers, take
from andon_client.presentation.formats import localised, refusal_name
from andon_client.presentation.phrases import say
from andon_client.presentation.transfer_tables import transfers_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, fail, loaded, notes, run, screen, show_table

CHUNK_BYTES = 1 << 20
POLL_S = 0.5
REFUSED = 2
Q = TypeVar("Q")
A = TypeVar("A")
PREFIX = "transfers/"
OVER = (
    transfer_pb2.TRANSFER_STATE_COMPLETE,
    transfer_pb2.TRANSFER_STATE_FAILED,
    transfer_pb2.TRANSFER_STATE_CANCELLED,
)

Id = Annotated[str, typer.Argument(help="Id of the transfer, as listed by `andon transfer list`.")]


def upload(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV, TSV, JSON, JSON Lines, Parquet, .xlsx, XES or OCEL 2.0; text also .gz.",
        ),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping",
            "-m",
            exists=True,
            dir_okay=False,
            help="YAML: how columns become events. Default: as the source says.",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Without a mapping: the source of the events. Default: the name of the file.")
    ] = None,
    case_object: Annotated[
        str, typer.Option(help="OCEL without a mapping: the type of objects whose events are a case.")
    ] = "",
    time_zone: Annotated[
        str, typer.Option(help="Without a mapping: the zone of times that have none, such as Europe/Berlin.")
    ] = "UTC",
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave when the file is uploaded; the service reads it by itself.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Upload a file for the service to read. The same command goes on where it was broken off."""
    from andon_records.files.standard_mapping import source_name
    from andon_records.mapping.contract_form import to_contract
    from andon_records.mapping.document import CsvMapping, load_mapping
    from andon_records.yaml_text import read_yaml

    from andon_client.loading import register_source

    options: Context = context.obj
    rules: CsvMapping | None = loaded(options, lambda: load_mapping(mapping)) if mapping is not None else None
    name = rules.source if rules is not None else source or source_name(file.name)
    request = transfer_pb2.CreateTransferRequest(
        file_name=file.name, byte_count=file.stat().st_size, source=f"sources/{name}"
    )
    if mapping is not None:
        request.mapping.CopyFrom(json_format.ParseDict(to_contract(read_yaml(mapping)), mapping_pb2.RecordMapping()))
    else:
        request.case_object, request.time_zone = case_object, time_zone
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=notes, disable=as_json or not notes.is_terminal) as progress:
        bar = progress.add_task(escape(file.name), total=request.byte_count)

        async def work(suite: Suite) -> transfer_pb2.Transfer:
            request.sha256 = await asyncio.to_thread(_sha256, file)
            if rules is not None:
                await register_source(suite.ingest, rules)
            transfer = (await _answered(suite.transfers.CreateTransfer, request)).transfer
            await _upload(suite, transfer, file, progress, bar)
            if detach:
                return (await _answered(suite.transfers.GetTransfer, _get(transfer.name))).transfer
            return await _read(suite, transfer.name, progress, bar)

        try:
            found = run(options, work)
        except KeyboardInterrupt:
            notes.print(say("transfer_interrupted", options.locale, file=file.name), highlight=False, soft_wrap=True)
            raise typer.Exit(130) from None
    _show(found, options, as_json)


def list_all(context: typer.Context, limit: Limit = 50, as_json: Json = False) -> None:
    """List transfers, newest first."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[transfer_pb2.Transfer]:
        request = transfer_pb2.ListTransfersRequest(page_size=min(limit, 1_000))
        return await take(list_transfers(suite, request), limit)

    emit(run(options, work), as_json, transfers_table, options.locale)


def show(context: typer.Context, transfer: Id, as_json: Json = False) -> None:
    """Show how far a transfer is, and which records were refused."""
    options: Context = context.obj

    async def work(suite: Suite) -> transfer_pb2.Transfer:
        return (await suite.transfers.GetTransfer(_get(_name(transfer)))).transfer

    _show(run(options, work), options, as_json)


def cancel(context: typer.Context, transfer: Id, as_json: Json = False) -> None:
    """Cancel a transfer. What it has written stays in the log."""
    options: Context = context.obj

    async def work(suite: Suite) -> transfer_pb2.Transfer:
        request = transfer_pb2.CancelTransferRequest(name=_name(transfer))
        return (await suite.transfers.CancelTransfer(request)).transfer

    found = run(options, work)
    if as_json:
        emit_json(found)
    else:
        show_table(transfers_table([found], options.locale), options.locale)


def _name(given: str) -> str:
    return PREFIX + given.removeprefix(PREFIX)


def _get(name: str) -> transfer_pb2.GetTransferRequest:
    return transfer_pb2.GetTransferRequest(name=name)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


async def _upload(suite: Suite, transfer: transfer_pb2.Transfer, file: Path, progress: Progress, bar: TaskID) -> None:
    """From where the service has the file to its end."""
    offset, state = transfer.uploaded_bytes, transfer.state
    with file.open("rb") as content:
        content.seek(offset)
        while state == transfer_pb2.TRANSFER_STATE_UPLOADING:
            data = await asyncio.to_thread(content.read, CHUNK_BYTES)
            if not data:
                return
            request = transfer_pb2.UploadChunkRequest(name=transfer.name, offset=offset, data=data)
            answer = await _answered(suite.transfers.UploadChunk, request)
            offset, state = offset + len(data), answer.state
            progress.update(bar, completed=offset)


async def _read(suite: Suite, name: str, progress: Progress, bar: TaskID) -> transfer_pb2.Transfer:
    """When it is over."""
    while True:
        found = (await _answered(suite.transfers.GetTransfer, _get(name))).transfer
        if found.row_count:
            progress.update(bar, completed=found.row_done_count, total=found.row_count)
        if found.state in OVER:
            return found
        await asyncio.sleep(POLL_S)


async def _answered(call: Callable[[Q], Awaitable[A]], request: Q) -> A:
    """However often the service cannot be reached meanwhile: each of these calls may be repeated."""
    attempt = 0
    while True:
        try:
            return await call(request)
        except grpc.aio.AioRpcError as error:
            if not is_retryable(error):
                raise
            await asyncio.sleep(requested_delay_s(error) + Backoff().delay_s(attempt, random.random))
        attempt += 1


def _show(found: transfer_pb2.Transfer, options: Context, as_json: bool) -> None:
    """Exits with 2 where the file could not be read, or records of it were refused."""
    refused = found.quarantined_count + found.unreadable_count
    if as_json:
        emit_json(found)
    else:
        show_table(transfers_table([found], options.locale), options.locale)
        for line in _lines(found, options.locale):
            screen.print(line, markup=False, highlight=False, soft_wrap=True)
    if found.state == transfer_pb2.TRANSFER_STATE_FAILED and not as_json:
        fail(_said(found.failure, options.locale), options.locale, code=REFUSED)
    if refused or found.state == transfer_pb2.TRANSFER_STATE_FAILED:
        raise typer.Exit(REFUSED)


def _lines(found: transfer_pb2.Transfer, locale: str) -> list[str]:
    lines = [f"{found.file_name}: {_said(one, locale)}" for one in found.guesses]
    names = ("accepted_count", "duplicate_count", "quarantined_count", "unreadable_count", "omitted_count")
    counts = {name: f"{getattr(found, name):,}" for name in names}
    lines.append(say("transfer_balance", locale, rows=f"{found.row_done_count:,}", **counts))
    for one in found.refusals:
        place = say("transfer_place", locale, row=f"{one.row:,}", column=f' "{one.column}"' if one.column else "")
        reason = f" ({refusal_name(one.reason)})" if one.reason else ""
        lines.append(f"  {place}: {_said(one.message, locale)}{reason}")
    return lines


def _said(text: Text, locale: str) -> str:
    return localised(text, locale)
