"""`andon source propose`: a mapping guessed from a file, each guess with its reason."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.markup import escape

from andon_client.commands.filters import Json
from andon_client.commands.load import REFUSED, source_choice
from andon_client.presentation.phrases import say
from andon_client.terminal import Context, emit_document, notes
from andon_client.whole_files import write_whole


def propose(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV, TSV, JSON, JSON Lines, Parquet, .xlsx, XES or OCEL 2.0; text also .gz.",
        ),
    ],
    source: Annotated[
        str | None, typer.Option(help="Without a mapping: the source of the events. Default: the name of the file.")
    ] = None,
    case_object: Annotated[
        str | None, typer.Option(help="OCEL without a mapping: the type of objects whose events are a case.")
    ] = None,
    time_zone: Annotated[
        str, typer.Option(help="Without a mapping: the zone of times that have none, such as Europe/Berlin.")
    ] = "UTC",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, help="File of the mapping. Default: standard output."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Propose a mapping for a file: YAML for `create` and `andon load`, and why each column was taken."""
    # Loaded only where columns are read: no other command should wait for it.
    from andon_records.files.proposal import propose as propose_mapping
    from andon_records.messages import LoadError

    options: Context = context.obj
    try:
        made = propose_mapping(file, source_choice(source, case_object, time_zone))
    except (LoadError, OSError) as error:
        what = error.what.text(options.locale) if isinstance(error, LoadError) else str(error)
        line = f"[bold red]{say('error', options.locale)}[/] {escape(what)}"
        notes.print(line, highlight=False, soft_wrap=True)
        raise typer.Exit(REFUSED) from None
    if as_json:
        emit_document({"mapping": dict(made.document), "reasons": [one.text("en") for one in made.said]})
        return
    for one in made.said:
        notes.print(escape(one.text(options.locale)), highlight=False, soft_wrap=True)
    text = yaml.safe_dump(dict(made.document), sort_keys=False, allow_unicode=True)
    if output is None:
        sys.stdout.write(text)
    else:
        write_whole(output, text)
