"""The terminal of the command: tables for people, JSON lines for programs, errors with what to do about them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

import grpc
import typer
from andon_records.messages import MalformedDocument
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from andon_client.connection import Connection, load_connection
from andon_client.presentation.phrases import LocalisedError, say
from andon_client.presentation.tables import Table, TableCell, Tone, fill_tone
from andon_client.suite import Suite

T = TypeVar("T")
M = TypeVar("M", bound=Message)
STYLES: Mapping[Tone, str] = {"": "", "good": "green", "bad": "red", "quiet": "dim", "fair": "yellow"}
INDENT, BAR = "  ", 10


class Screen(Console):
    def on_broken_pipe(self) -> None:
        # Called while the error is handled: it goes on to where a command ends.
        raise BrokenPipeError


# Output that is not a terminal has no edge to fold at.
WIDTH_WITHOUT_TERMINAL = 200

screen = Screen()
notes = Screen(stderr=True)
if not screen.is_terminal and "COLUMNS" not in os.environ:
    screen.width = WIDTH_WITHOUT_TERMINAL


@dataclass
class Context:
    """The global options."""

    home: Path | None = None
    locale: str = "en"

    def connection(self) -> Connection:
        return load_connection(self.home, self.locale)


def run(context: Context, work: Callable[[Suite], Awaitable[T]]) -> T:
    """Connects to the suite, does the work and turns every known failure into one clear line and exit code 1."""

    async def opened() -> T:
        async with Suite(context.connection()) as suite:
            return await work(suite)

    try:
        return asyncio.run(opened())
    except BrokenPipeError:
        raise
    except (LocalisedError, MalformedDocument) as error:
        fail(error.text(context.locale), context.locale)
    except OSError as error:
        fail(str(error), context.locale)
    except grpc.aio.AioRpcError as error:
        fail(describe(error, context.locale), context.locale)


def loaded(context: Context, read: Callable[[], T]) -> T:
    """The content of a file that a person named, or one clear line about what is wrong with it."""
    try:
        return read()
    except (LocalisedError, MalformedDocument) as error:
        fail(error.text(context.locale), context.locale)
    except OSError as error:
        fail(str(error), context.locale)


def fail(message: str, locale: str = "en", code: int = 1) -> NoReturn:
    notes.print(f"[bold red]{say('error', locale)}[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def describe(error: grpc.aio.AioRpcError, locale: str = "en") -> str:
    """The message in the caller's language, the reason, each invalid field and when to retry."""
    lines = [error.details() or ""]
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for detail in status.details if status is not None else ():
        lines += _detail(detail, locale)
    if status is None and error.code() is grpc.StatusCode.UNAVAILABLE:
        lines.append(say("unreachable", locale, start=say("start_suite", locale)))
    return "\n      ".join([f"{error.code().name}: {lines[0]}", *dict.fromkeys(lines[1:])])


def _detail(detail: Any, locale: str) -> list[str]:
    for kind, lines in _DETAILS.items():
        if detail.Is(kind.DESCRIPTOR):
            message = kind()
            detail.Unpack(message)
            return lines(message, locale)
    return []


_DETAILS: dict[type[Message], Callable[[Any, str], list[str]]] = {
    error_details_pb2.LocalizedMessage: lambda text, _: [text.message],
    error_details_pb2.ErrorInfo: lambda info, locale: [say("error_reason", locale, reason=info.reason)],
    error_details_pb2.BadRequest: lambda bad, _: [f"{item.field}: {item.description}" for item in bad.field_violations],
    error_details_pb2.PreconditionFailure: lambda failure, _: [item.description for item in failure.violations],
    error_details_pb2.RetryInfo: lambda retry, locale: [
        say("error_retry", locale, seconds=retry.retry_delay.ToTimedelta().total_seconds())
    ],
}


def as_document(message: Message) -> dict[str, Any]:
    """Every field that has a value, zero and empty ones too, so that programs can rely on them."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def emit_document(document: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def emit_json(message: Message) -> None:
    emit_document(as_document(message))


def emit(messages: Sequence[M], as_json: bool, table: Callable[[Sequence[M], str], Table], locale: str) -> None:
    """One JSON line per message, or one table."""
    if as_json:
        for message in messages:
            emit_json(message)
    else:
        show_table(table(messages, locale), locale)


def show_table(table: Table, locale: str, console: Console | None = None) -> None:
    """console: the screen, where none is given."""
    console = console or screen
    if not table.rows:
        console.print(say("none", locale, title=table.title), markup=False)
        return
    # Not as the table's own title, which folds at the width of a narrow table.
    console.print(Text(table.title, "italic"))
    drawn = RichTable(header_style="bold", box=None, pad_edge=False)
    for column in table.columns:
        justify: Literal["right", "left"] = "right" if column.numeric else "left"
        drawn.add_column(column.title, justify=justify, overflow="fold", no_wrap=column.whole)
    for row in table.rows:
        drawn.add_row(*map(_drawn, row))
    console.print(drawn)
    # On lines of their own, however narrow the table, so that they can be copied.
    for command in (cell.command for row in table.rows for cell in row if cell.command):
        console.print(f"  {command}", style=STYLES["quiet"], markup=False, highlight=False, soft_wrap=True)


def _drawn(cell: TableCell) -> Text:
    text = Text(INDENT * cell.depth + cell.text, STYLES[cell.tone])
    if cell.fill is not None:
        filled = round(cell.fill / 100 * BAR)
        text.append(f" {'█' * filled}{'░' * (BAR - filled)}", STYLES[fill_tone(cell.fill)])
    return text
