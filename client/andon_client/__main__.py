"""The command `andon`: load, read, watch, draw and explain, over the same contracts that everyone uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from andon_client.commands import chart, explain, load, read, system, watch
from andon_client.terminal import Context

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Know, while it happens, whether your service processes are good.",
)


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(envvar="ANDON_HOME", help="Folder with connection.json. Default: the nearest .andon."),
    ] = None,
    locale: Annotated[str, typer.Option(envvar="ANDON_LOCALE", help="Language of texts: en or zh.")] = "en",
) -> None:
    context.obj = Context(home, locale)


app.command("load")(load.load_file)
app.command("events")(read.events)
app.command("scores")(read.scores)
app.command("signals")(read.signals)
app.command("problems")(read.problems)
app.command("chart")(chart.chart)
app.command("watch")(watch.watch)
app.command("explain")(explain.explain)
app.command("status")(read.status)
app.add_typer(system.app, name="system")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
