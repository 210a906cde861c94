"""`andon feed`: KPI feeds, their rows, and an indicator system that charts them."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
import yaml
from andon.ingest.v1 import feed_pb2 as pb

from andon_client.commands.filters import Json
from andon_client.commands.source import write_records
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.feed_system import system_document
from andon_client.listing import list_feeds
from andon_client.presentation.feed_tables import feed_series_table, feeds_table
from andon_client.record_stream import read_records
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_document, emit_json, loaded, run, show_table

Name = Annotated[str, typer.Argument(help="Id of the feed, for example complaints; also that of its source.")]
File = Annotated[
    Path,
    typer.Option("--file", "-f", exists=True, dir_okay=False, help="YAML: period, dimensions and series of the feed."),
]


def create(
    context: typer.Context,
    name: Name,
    file: File,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Declare a KPI feed and the source that its rows are written to."""
    options: Context = context.obj
    feed = loaded(options, lambda: load_document(file, pb.Feed))
    key = request_key(request_id, validate_only)
    request = pb.CreateFeedRequest(feed_id=name, feed=feed, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Feed:
        return (await suite.feeds.CreateFeed(request)).feed

    _show(run(options, work), options, as_json)


def update(
    context: typer.Context,
    name: Name,
    file: File,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Replace title and series of a feed. Series may be added; none may leave or change its figures."""
    options: Context = context.obj
    feed = loaded(options, lambda: load_document(file, pb.Feed))
    feed.name = f"feeds/{name}"
    key = request_key(request_id, validate_only)
    request = pb.UpdateFeedRequest(feed=feed, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Feed:
        return (await suite.feeds.UpdateFeed(request)).feed

    _show(run(options, work), options, as_json)


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a feed and its series."""
    options: Context = context.obj
    _show(run(options, lambda suite: _feed(suite, name)), options, as_json)


def list_all(context: typer.Context, as_json: Json = False) -> None:
    """List all KPI feeds."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[pb.Feed]:
        return [one async for one in list_feeds(suite, pb.ListFeedsRequest())]

    emit(run(options, work), as_json, feeds_table, options.locale)


def write(
    context: typer.Context,
    name: Name,
    rows: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="Rows: CSV with a header, JSON Lines or one JSON document."),
    ],
    correction: Annotated[
        bool,
        typer.Option(
            "--correction", help="These figures replace those of the same periods: gives rows a newer revision."
        ),
    ] = False,
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Write the rows of a file. Writing them again changes nothing."""
    revision = time.time_ns() // 1_000_000 if correction else None
    write_records(context.obj, name, _revised(rows, revision), validate_only, as_json)


def system(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Print an indicator system that scores and charts every series of a feed, to be edited and applied."""
    options: Context = context.obj
    feed = run(options, lambda suite: _feed(suite, name))
    document = system_document(feed)
    if as_json:
        emit_document(document)
    else:
        sys.stdout.write(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120))


async def _feed(suite: Suite, name: str) -> pb.Feed:
    return (await suite.feeds.GetFeed(pb.GetFeedRequest(name=f"feeds/{name}"))).feed


def _revised(path: Path, revision: int | None) -> Iterator[bytes]:
    """The rows of a file as records; those without a revision get this one."""
    for record in _rows(path):
        if revision is None:
            yield record
            continue
        try:
            row = json.loads(record)
        except ValueError:
            # The service says what is wrong with it.
            yield record
            continue
        yield json.dumps({"revision": revision, **row}).encode() if isinstance(row, dict) else record


def _rows(path: Path) -> Iterator[bytes]:
    if path.suffix.lower() != ".csv":
        yield from read_records(path)
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield json.dumps({name: text for name, text in row.items() if name and text}, ensure_ascii=False).encode()


def _show(feed: pb.Feed, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(feed)
        return
    emit([feed], False, feeds_table, options.locale)
    show_table(feed_series_table(feed, options.locale), options.locale)
