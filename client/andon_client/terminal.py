"""How the command shows things: tables for people, JSON lines for programs, errors with what to do about them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias, TypeVar

import grpc
import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from andon_client.connection import HOW_TO_START, Connection, NoConnection, load_connection
from andon_client.documents import MalformedDocument
from andon_client.suite import Suite

T = TypeVar("T")
# Plain text is shown as it is, whatever brackets it has.
Cell: TypeAlias = str | Text


class Screen(Console):
    def on_broken_pipe(self) -> None:
        # Called while the error is handled: it goes on to where a command ends.
        raise BrokenPipeError


# Where nobody looks there is no edge: a table that is read by a program need not fold.
WIDTH_WITHOUT_TERMINAL = 200

screen = Screen()
notes = Screen(stderr=True)
if not screen.is_terminal and "COLUMNS" not in os.environ:
    screen.width = WIDTH_WITHOUT_TERMINAL


@dataclass
class Context:
    """What the options before the command say."""

    home: Path | None = None
    locale: str = "en"

    def connection(self) -> Connection:
        return load_connection(self.home, self.locale)


def run(context: Context, work: Callable[[Suite], Awaitable[T]]) -> T:
    """Opens the suite, does the work and turns every known failure into one clear line and exit code 1."""

    async def opened() -> T:
        async with Suite(context.connection()) as suite:
            return await work(suite)

    try:
        return asyncio.run(opened())
    except BrokenPipeError:
        raise
    except (NoConnection, MalformedDocument, OSError) as error:
        fail(str(error))
    except grpc.aio.AioRpcError as error:
        fail(describe(error))


def given(read: Callable[[], T]) -> T:
    """What a person's file holds, or one clear line about what is wrong with it."""
    try:
        return read()
    except (MalformedDocument, OSError) as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    notes.print(f"[bold red]error[/] {escape(message)}", highlight=False)
    raise typer.Exit(1)


def describe(error: grpc.aio.AioRpcError) -> str:
    """The message in the caller's language, the reason, each field at fault and when to retry."""
    lines = [error.details() or ""]
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for detail in status.details if status is not None else ():
        lines += _detail(detail)
    if status is None and error.code() is grpc.StatusCode.UNAVAILABLE:
        lines.append(f"nobody answers: is the suite running? {HOW_TO_START}")
    return "\n      ".join([f"{error.code().name}: {lines[0]}", *dict.fromkeys(lines[1:])])


def _detail(detail: Any) -> list[str]:
    for kind, lines in _DETAILS.items():
        if detail.Is(kind.DESCRIPTOR):
            message = kind()
            detail.Unpack(message)
            return lines(message)
    return []


_DETAILS: dict[type[Message], Callable[[Any], list[str]]] = {
    error_details_pb2.LocalizedMessage: lambda told: [told.message],
    error_details_pb2.ErrorInfo: lambda info: [f"reason {info.reason}"],
    error_details_pb2.BadRequest: lambda bad: [f"{item.field}: {item.description}" for item in bad.field_violations],
    error_details_pb2.PreconditionFailure: lambda failure: [item.description for item in failure.violations],
    error_details_pb2.RetryInfo: lambda retry: [f"retry in {retry.retry_delay.ToTimedelta().total_seconds():g} s"],
}


def as_document(message: Message) -> dict[str, Any]:
    """Every field that has a value, zero and empty ones too, so that a program finds what it asks for."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def emit_document(document: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def emit_json(message: Message) -> None:
    emit_document(as_document(message))


def emit(
    messages: Iterable[Message], as_json: bool, title: str, columns: Sequence[str], row: Callable[[Any], Sequence[Cell]]
) -> None:
    """One JSON line per message, or one table, whose columns ">" align to the right and "=" never fold."""
    if as_json:
        for message in messages:
            emit_json(message)
        return
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        justify: Literal["right", "left"] = "right" if column.startswith(">") else "left"
        table.add_column(column.lstrip(">="), justify=justify, overflow="fold", no_wrap=column.startswith("="))
    for message in messages:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row(message)))
    screen.print(table if table.row_count else f"{title}: none")


def when(moment: Timestamp) -> str:
    """ "2016-02-29 00:00", in UTC."""
    return datetime.fromtimestamp(moment.seconds, UTC).strftime("%Y-%m-%d %H:%M")


def span(interval: Any) -> str:
    if not interval.HasField("start") or interval.start.seconds == 0:
        return "all time"
    return datetime.fromtimestamp(interval.start.seconds, UTC).strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")


def stretch(intervals: Iterable[Any]) -> str:
    """Each from its first to its last moment; whole days end on their own date: "2016-02-29 – 2016-03-04"."""
    return ", ".join(" – ".join(dict.fromkeys((span(one), _last(one)))) for one in intervals)


def _last(interval: Any) -> str:
    start, end = (datetime.fromtimestamp(one.seconds, UTC) for one in (interval.start, interval.end))
    whole_days = start.time() == end.time() == time.min
    return f"{end - timedelta(days=1):%Y-%m-%d}" if whole_days else f"{end:%Y-%m-%d %H:%M}"


def number(value: float | None) -> str:
    """Four significant digits, with thousands apart."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.4g}"


def optional(message: Any, name: str) -> float | None:
    return getattr(message, name) if message.HasField(name) else None


def spoken(text: Any, locale: str) -> str:
    """The text in the caller's language, else in the other one."""
    first, second = (text.zh, text.en) if locale.startswith("zh") else (text.en, text.zh)
    return str(first or second)


def short(enum: Any, value: int) -> str:
    """WINDOW_WEEK -> week."""
    names: list[str] = enum.keys()
    prefix = names[0].removesuffix("UNSPECIFIED")
    return str(enum.Name(value)).removeprefix(prefix).lower().replace("_", " ")
