"""`andon system`: indicator systems as YAML documents."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2, system_review_pb2

from andon_client.commands.backtest import SystemName, system_name
from andon_client.commands.filters import Json
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import load_document
from andon_client.listing import list_systems
from andon_client.presentation.formats import localised
from andon_client.presentation.phrases import named, say
from andon_client.presentation.review_tables import changes_table
from andon_client.presentation.tables import findings_table, systems_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, loaded, run, screen

Document = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML document of an indicator system.")]


def lint(context: typer.Context, document: Document, as_json: Json = False) -> None:
    """Check a document against the contract and the five principles of indicator selection."""
    options: Context = context.obj
    spec = loaded(options, lambda: load_document(document, indicator_system_pb2.IndicatorSystemSpec))

    async def work(suite: Suite) -> scoring_pb2.LintIndicatorSystemResponse:
        return await suite.scoring.LintIndicatorSystem(scoring_pb2.LintIndicatorSystemRequest(spec=spec))

    findings = run(options, work).findings
    emit(findings, as_json, findings_table, options.locale)
    if any(finding.severity == scoring_pb2.LintFinding.SEVERITY_ERROR for finding in findings):
        raise typer.Exit(1)


def apply(
    context: typer.Context,
    document: Document,
    process: Annotated[str, typer.Option("--process", "-p", help="Id of the process, for example it-desk.")],
    name: Annotated[str, typer.Option("--name", help="Id of the indicator system.")] = "main",
    draft: Annotated[bool, typer.Option("--draft", help="Store the version without activating it.")] = False,
    as_json: Json = False,
) -> None:
    """Store a document as a new version and activate it."""
    options: Context = context.obj
    spec = loaded(options, lambda: load_document(document, indicator_system_pb2.IndicatorSystemSpec))

    async def work(suite: Suite) -> scoring_pb2.CreateIndicatorSystemResponse:
        return await apply_system(suite, spec, process, name, activate=not draft)

    made = run(options, work)
    if as_json:
        emit_json(made.indicator_system)
        return
    emit(made.findings, False, findings_table, options.locale)
    system = made.indicator_system
    state = named(indicator_system_pb2.IndicatorSystem.State, system.state, options.locale)
    screen.print(say("applied", options.locale, name=system.name, version=system.version, state=state), markup=False)


async def apply_system(
    suite: Suite,
    spec: indicator_system_pb2.IndicatorSystemSpec,
    process: str,
    name: str = "main",
    activate: bool = True,
) -> scoring_pb2.CreateIndicatorSystemResponse:
    made = await suite.scoring.CreateIndicatorSystem(
        scoring_pb2.CreateIndicatorSystemRequest(
            parent=f"processes/{process}", indicator_system_id=name, spec=spec, request_id=str(uuid.uuid4())
        )
    )
    if activate:
        activated = await suite.scoring.ActivateIndicatorSystem(
            scoring_pb2.ActivateIndicatorSystemRequest(
                name=made.indicator_system.name,
                version=made.indicator_system.version,
                etag=made.indicator_system.etag,
                request_id=str(uuid.uuid4()),
            )
        )
        made.indicator_system.CopyFrom(activated.indicator_system)
    return made


def diff(
    context: typer.Context,
    system: SystemName,
    before: Annotated[int, typer.Option("--before", min=0, help="Version. Default: the active one.")] = 0,
    after: Annotated[int, typer.Option("--after", min=0, help="Version. Default: the newest.")] = 0,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="Compare with this document instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what differs between two versions, and what each difference has consequences for."""
    options: Context = context.obj
    request = system_review_pb2.GetIndicatorSystemDiffRequest(
        name=system_name(system), version_before=before, version_after=after
    )
    if file is not None:
        path = file
        spec = loaded(options, lambda: load_document(path, indicator_system_pb2.IndicatorSystemSpec))
        request.document.CopyFrom(spec)

    async def work(suite: Suite) -> system_review_pb2.GetIndicatorSystemDiffResponse:
        return await suite.system_review.GetIndicatorSystemDiff(request)

    found = run(options, work)
    if as_json:
        emit_json(found)
        return
    screen.print(localised(found.summary, options.locale), markup=False, highlight=False)
    emit(found.changes, False, changes_table, options.locale)


def activate(
    context: typer.Context,
    system: SystemName,
    version: Annotated[int, typer.Option("--version", min=1, help="Version; an older one is a way back.")],
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Let a version count that is there already: a draft, or one from before."""
    options: Context = context.obj
    request = scoring_pb2.ActivateIndicatorSystemRequest(
        name=system_name(system),
        version=version,
        request_id=request_key(request_id, validate_only),
        validate_only=validate_only,
    )

    async def work(suite: Suite) -> indicator_system_pb2.IndicatorSystem:
        return (await suite.scoring.ActivateIndicatorSystem(request)).indicator_system

    emit([run(options, work)], as_json, systems_table, options.locale)


def list_all(context: typer.Context, as_json: Json = False) -> None:
    """List all versions of all indicator systems."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[indicator_system_pb2.IndicatorSystem]:
        return [system async for system in list_systems(suite, scoring_pb2.ListIndicatorSystemsRequest())]

    emit(run(options, work), as_json, systems_table, options.locale)
