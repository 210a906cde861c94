"""`andon export`: events of the log into a file, as they count after all corrections."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from andon_client.commands.filters import Json, interval_of, time_option
from andon_client.export_formats import NOT_PACKED, SUFFIXES, ExportFormat
from andon_client.presentation.phrases import say
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_document, fail, loaded, notes, run, screen

if TYPE_CHECKING:
    from andon_records.writers.event_spool import Exported


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write; text also as .gz.")],
    form: Annotated[
        ExportFormat | None, typer.Option("--format", help="Default: what the name of the file says.")
    ] = None,
    since: Annotated[date | None, time_option("--from", help="Events at or after this time.")] = None,
    until: Annotated[date | None, time_option("--to", help="Events before this time.")] = None,
    zone: Annotated[
        str, typer.Option(help="The zone of --from and --to, and of times in CSV, such as Europe/Berlin.")
    ] = "UTC",
    source: Annotated[list[str] | None, typer.Option("--source", help="Only this source; may be repeated.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Corrected events as well, with what corrects them.")
    ] = False,
    case_object: Annotated[str, typer.Option(help="OCEL: the name of the type of objects that cases are.")] = "case",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: Json = False,
) -> None:
    """Write events of the log to a file, by default as they count after all corrections."""
    # Loaded only where events are read: no other command should wait for it.
    from andon_client.exports import ExportWish, export_events

    options: Context = context.obj
    wanted = form or SUFFIXES.get(Path(file.name.removesuffix(".gz")).suffix.lower())
    if wanted is None:
        fail(say("export_format_unknown", options.locale, known=", ".join(SUFFIXES)), options.locale)
    if file.exists() and not force:
        fail(say("export_exists", options.locale, file=file.name), options.locale)
    if file.name.endswith(".gz") and wanted in NOT_PACKED:
        fail(say("export_not_packed", options.locale, format=wanted.value), options.locale)
    try:
        local = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fail(say("unknown_zone", options.locale, name=zone), options.locale)
    interval = loaded(options, lambda: interval_of(since, until, local))
    wish = ExportWish(wanted, interval, frozenset(source or ()), history, zone, case_object)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=notes, disable=as_json or not notes.is_terminal) as progress:
        bar = progress.add_task(escape(file.name), total=None)

        def on_progress(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        async def work(suite: Suite) -> Exported:
            return await export_events(suite, file, wish, on_progress)

        written = run(options, work)
    span = [one.astimezone(local).isoformat() if one else "-" for one in (written.first, written.last)]
    counts = {"events": written.events, "cases": written.cases, "first": span[0], "last": span[1], "zone": zone}
    if as_json:
        emit_document({**counts, "format": wanted.value, "history": history, "mixed": list(written.mixed)})
        return
    corrections = say("export_history" if history else "export_corrected", options.locale)
    lines = [say("exported", options.locale, file=file.name, corrections=corrections, **counts)]
    if written.mixed:
        lines.append(say("export_mixed", options.locale, names=", ".join(written.mixed)))
    for line in lines:
        screen.print(line, markup=False, soft_wrap=True)
