"""`andon clause`: clauses of policies, regulations and standards, and the indicators that watch each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from andon.scoring.v1 import clause_pb2 as pb

from andon_client.commands.filters import Json
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.listing import list_clauses, list_unclaimed_indicators
from andon_client.presentation.clause_tables import clause_links_table, clauses_table, unclaimed_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, loaded, run, show_table

Name = Annotated[str, typer.Argument(help="Id of the clause, for example iso-9001-9-1-2.")]
File = Annotated[
    Path,
    typer.Option(
        "--file",
        "-f",
        exists=True,
        dir_okay=False,
        help="YAML: document, number, text and links of the clause.",
    ),
]


def create(
    context: typer.Context,
    name: Name,
    file: File,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Store a clause and the indicators that watch it."""
    options: Context = context.obj
    one = loaded(options, lambda: load_document(file, pb.Clause))
    key = request_key(request_id, validate_only)
    request = pb.CreateClauseRequest(clause_id=name, clause=one, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Clause:
        return (await suite.clauses.CreateClause(request)).clause

    _show(run(options, work), options, as_json)


def update(
    context: typer.Context,
    name: Name,
    file: File,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Replace a clause and its links."""
    options: Context = context.obj
    one = loaded(options, lambda: load_document(file, pb.Clause))
    one.name = f"clauses/{name}"
    key = request_key(request_id, validate_only)
    request = pb.UpdateClauseRequest(clause=one, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Clause:
        return (await suite.clauses.UpdateClause(request)).clause

    _show(run(options, work), options, as_json)


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a clause and the indicators that watch it."""
    options: Context = context.obj

    async def work(suite: Suite) -> pb.Clause:
        return (await suite.clauses.GetClause(pb.GetClauseRequest(name=f"clauses/{name}"))).clause

    _show(run(options, work), options, as_json)


def list_all(
    context: typer.Context,
    document: Annotated[
        str, typer.Option("--document", help="Only clauses of this document, for example ISO 9001:2015.")
    ] = "",
    as_json: Json = False,
) -> None:
    """List clauses, and which of them no live indicator watches."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[pb.Clause]:
        return [one async for one in list_clauses(suite, pb.ListClausesRequest(document=document))]

    emit(run(options, work), as_json, clauses_table, options.locale)


def coverage(
    context: typer.Context,
    system: Annotated[
        str, typer.Option("--system", help="Only indicators of this system, for example wards/main.")
    ] = "",
    as_json: Json = False,
) -> None:
    """List the clauses in force without a live indicator, and the live indicators without a clause."""
    options: Context = context.obj
    process, _, rest = system.partition("/")
    name = f"processes/{process}/indicatorSystems/{rest}" if system else ""
    uncovered = pb.ListClausesRequest(coverages=[pb.CLAUSE_COVERAGE_UNCOVERED])
    unclaimed = pb.ListUnclaimedIndicatorsRequest(indicator_system=name)

    async def work(suite: Suite) -> tuple[list[pb.Clause], list[pb.UnclaimedIndicator]]:
        return (
            [one async for one in list_clauses(suite, uncovered)],
            [one async for one in list_unclaimed_indicators(suite, unclaimed)],
        )

    clauses, indicators = run(options, work)
    if as_json:
        for one in (*clauses, *indicators):
            emit_json(one)
        return
    show_table(clauses_table(clauses, options.locale, "clauses_uncovered"), options.locale)
    show_table(unclaimed_table(indicators, options.locale), options.locale)


def _show(one: pb.Clause, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(one)
        return
    emit([one], False, clauses_table, options.locale)
    if one.links:
        show_table(clause_links_table(one, options.locale), options.locale)
