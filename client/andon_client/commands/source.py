"""`andon source`: sources with their mappings, and raw records for them."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import grpc
import typer
import yaml
from andon.ingest.v1 import data_quality_pb2, ingest_pb2, mapping_pb2, record_pb2, source_pb2
from google.protobuf import json_format

from andon_client.commands.filters import Json, chosen
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.documents import parse_document
from andon_client.follow import Backoff, is_retryable, requested_delay_s
from andon_client.listing import list_source_activity, list_sources
from andon_client.presentation.formats import refusal_name, short
from andon_client.presentation.phrases import say, text_in
from andon_client.presentation.tables import sources_table, templates_table
from andon_client.record_stream import batched, read_records
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_document, emit_json, fail, loaded, run, screen, show_table

if TYPE_CHECKING:
    from andon_records.mapping.document import CsvMapping

REFUSED = 2
TRIES_MAX = 20
REJECTIONS_SHOWN = 20
TESTED_MAX = 100
# What a document says of the events of a source, besides how records become events; as in the contract.
OWN_RULE_KEYS = ("cleaning", "quality", "silent_after", "quota", "entity_keys", "archive_after")
# Every source has these, by default where it says nothing.
RULE_KEYS = (*OWN_RULE_KEYS, "dedup_horizon", "time_earliest", "future_tolerance")

Name = Annotated[str, typer.Argument(help="Id of the source, for example zendesk.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", "-m", exists=True, dir_okay=False, help="YAML: how columns become events.")
]
Template = Annotated[
    str, typer.Option("--template", help="A shipped mapping instead of a file, see `andon source templates`.")
]
Kind = Annotated[str, typer.Option("--kind", help="Kind of the source. Default: event_log.")]
Title = Annotated[str, typer.Option("--title", help="What people call the source.")]
Records = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="Records: JSON Lines or one JSON document, plain or .gz.")
]


def create(
    context: typer.Context,
    name: Name,
    mapping: MappingFile = None,
    template: Template = "",
    kind: Kind = "",
    title: Title = "",
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Create a source, with a mapping that makes events of its records."""
    options: Context = context.obj
    if template and mapping is not None:
        raise typer.BadParameter("not together with --mapping", param_hint="--template")
    source = _source(options, _shipped(template) if template else mapping, kind, title)
    request = ingest_pb2.CreateSourceRequest(
        source_id=name, source=source, request_id=request_key(request_id, validate_only), validate_only=validate_only
    )

    async def work(suite: Suite) -> source_pb2.Source:
        return (await suite.ingest.CreateSource(request)).source

    _show(run(options, work), options, as_json)


def update(
    context: typer.Context,
    name: Name,
    mapping: MappingFile = None,
    kind: Kind = "",
    title: Title = "",
    etag: Annotated[str, typer.Option("--etag", help="Only if the source is still as it was read.")] = "",
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Change what is given of a source; records that are written from then on are mapped by it."""
    options: Context = context.obj
    source = _source(options, mapping, kind, title)
    source.name, source.etag = f"sources/{name}", etag
    request = ingest_pb2.UpdateSourceRequest(
        source=source, request_id=request_key(request_id, validate_only), validate_only=validate_only
    )
    request.update_mask.paths.extend(
        [
            *(["mapping", "policies", "subject"] if source.HasField("mapping") else []),
            *(field.name for field, _ in source.ListFields() if field.name in RULE_KEYS),
            *(["kind"] if kind else []),
            *(["title"] if title else []),
        ]
    )
    if not request.update_mask.paths:
        fail(say("nothing_to_change", options.locale), options.locale)

    async def work(suite: Suite) -> source_pb2.Source:
        return (await suite.ingest.UpdateSource(request)).source

    _show(run(options, work), options, as_json)


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a source; its mapping is printed as YAML, which create and update read again."""
    options: Context = context.obj

    async def work(suite: Suite) -> source_pb2.Source:
        return (await suite.ingest.GetSource(ingest_pb2.GetSourceRequest(name=f"sources/{name}"))).source

    _show(run(options, work), options, as_json)


def list_all(context: typer.Context, as_json: Json = False) -> None:
    """List all sources."""
    options: Context = context.obj

    async def work(suite: Suite) -> tuple[list[source_pb2.Source], dict[str, data_quality_pb2.SourceActivity]]:
        sources = [one async for one in list_sources(suite, ingest_pb2.ListSourcesRequest())]
        if as_json:
            return sources, {}
        request = data_quality_pb2.ListSourceActivityRequest()
        return sources, {one.source: one async for one in list_source_activity(suite, request)}

    sources, activities = run(options, work)
    emit(sources, as_json, partial(sources_table, activities=activities), options.locale)


def templates(context: typer.Context, as_json: Json = False) -> None:
    """List the shipped mappings, each of the export of one product."""
    from andon_records.templates import templates as shipped

    options: Context = context.obj
    found = shipped()
    if as_json:
        for one in found:
            emit_document({"name": one.name, "title": dict(one.title), "records": one.sample.name})
    else:
        show_table(templates_table(found, options.locale), options.locale)


def _shipped(name: str) -> Path:
    from andon_records.templates import templates as shipped

    found = {one.name: one for one in shipped()}
    if name not in found:
        raise typer.BadParameter(f"{name} is not one of {', '.join(found)}", param_hint="--template")
    return found[name].mapping


def preview(
    context: typer.Context,
    name: Name,
    records: Records,
    mapping: MappingFile = None,
    as_json: Json = False,
) -> None:
    """Show what the first records of a file become, and why one is refused. Writes nothing."""
    options: Context = context.obj
    sample = loaded(options, lambda: [*islice(read_records(records), TESTED_MAX)])
    request = record_pb2.TestSourceRequest(records=_json(sample))
    if mapping is None:
        request.name = f"sources/{name}"
    else:
        request.source.CopyFrom(_source(options, mapping, "", ""))
        request.source.name = f"sources/{name}"

    async def work(suite: Suite) -> record_pb2.TestSourceResponse:
        return await suite.ingest.TestSource(request)

    answer = run(options, work)
    if as_json:
        for one in answer.records:
            emit_json(one)
    else:
        for number, one in enumerate(answer.records, 1):
            _print_tested(number, one, options.locale)
        for doubt in answer.doubts:
            screen.print(f"? {doubt}", markup=False, highlight=False, soft_wrap=True)
    if any(one.outcome == record_pb2.RECORD_OUTCOME_QUARANTINED for one in answer.records):
        raise typer.Exit(REFUSED)


def write(
    context: typer.Context,
    name: Name,
    records: Records,
    validate_only: ValidateOnly = False,
    as_json: Json = False,
) -> None:
    """Write the records of a file. Writing them again changes nothing."""
    write_records(context.obj, name, read_records(records), validate_only, as_json)


def write_records(options: Context, name: str, records: Iterable[bytes], validate_only: bool, as_json: bool) -> None:
    """Writes records of a source and shows what became of them. Exits with 2 where some were refused."""

    async def work(suite: Suite) -> tuple[Counter[str], list[record_pb2.RecordRejection]]:
        counts: Counter[str] = Counter()
        rejections: list[record_pb2.RecordRejection] = []
        for batch in batched(records):
            answer = await write_batch(suite, f"sources/{name}", batch, validate_only)
            for rejection in answer.rejections:
                rejection.index += counts["received"]
            rejections += answer.rejections
            counts["received"] += len(answer.outcomes)
            for outcome in ("accepted", "duplicate", "quarantined", "omitted"):
                counts[outcome] += getattr(answer, outcome)
            counts["events"] += answer.events.accepted
        return counts, rejections

    counts, rejections = run(options, work)
    if as_json:
        emit_document({**counts, "rejections": [_plain(one) for one in rejections]})
    else:
        names = ("received", "accepted", "duplicate", "quarantined", "omitted", "events")
        screen.print(say("records_written", options.locale, **{name: counts[name] for name in names}), soft_wrap=True)
        for rejection in rejections[:REJECTIONS_SHOWN]:
            screen.print(f"  {_reason(rejection, options.locale)}", markup=False, highlight=False, soft_wrap=True)
        if len(rejections) > REJECTIONS_SHOWN:
            screen.print(say("more", options.locale, count=len(rejections) - REJECTIONS_SHOWN), markup=False)
    if counts["quarantined"]:
        raise typer.Exit(REFUSED)


async def write_batch(
    suite: Suite, source: str, records: list[bytes], validate_only: bool
) -> record_pb2.WriteRecordsResponse:
    """The answer, however often the service cannot be reached meanwhile."""
    # The key belongs to the batch and not to the try: what was written before a break is not written again.
    request = record_pb2.WriteRecordsRequest(
        source=source,
        records=_json(records),
        request_id=request_key("", validate_only),
        validate_only=validate_only,
    )
    for attempt in range(TRIES_MAX):
        try:
            return await suite.ingest.WriteRecords(request)
        except grpc.aio.AioRpcError as error:
            if not is_retryable(error) or attempt + 1 == TRIES_MAX:
                raise
            requested_s = requested_delay_s(error)
        await asyncio.sleep(requested_s + Backoff().delay_s(attempt, random.random))
    raise AssertionError("the last try answers or raises")


def _json(records: list[bytes]) -> record_pb2.RawRecords:
    return record_pb2.RawRecords(json=record_pb2.JsonRecords(records=records))


def _source(options: Context, mapping: Path | None, kind: str, title: str) -> source_pb2.Source:
    source = source_pb2.Source()
    if mapping is not None:
        source = _of_document(mapping, options)
    if kind:
        source.kind = chosen(source_pb2.SourceKind, kind, "--kind")
    if title:
        source.title.CopyFrom(text_in(options.locale, title))
    return source


def _of_document(path: Path, options: Context) -> source_pb2.Source:
    """A mapping with rules, or rules alone."""
    from andon_records.mapping.document import parse_mapping
    from andon_records.messages import LoadError, MalformedMapping, message
    from andon_records.yaml_text import read_yaml

    # A mapping has types of its own, and rules have those of the contract.
    document, typed = (loaded(options, partial(read_yaml, path, literal=literal)) for literal in (True, False))
    given = {key: typed.pop(key) for key in RULE_KEYS if key in typed} if isinstance(typed, dict) else {}
    mapping = {key: value for key, value in document.items() if key not in given} if given else document
    source = loaded(options, partial(parse_document, given, source_pb2.Source, str(path)))
    if given and set(mapping) <= {"source"}:
        return source
    try:
        source.MergeFrom(source_of(mapping, parse_mapping(mapping)))
    except MalformedMapping as error:
        fail(message("at_key", path=str(path), what=error.what).text(options.locale), options.locale)
    except LoadError as error:
        fail(error.what.text(options.locale), options.locale)
    return source


def source_of(document: dict[str, Any], rules: CsvMapping) -> source_pb2.Source:
    """The source of a mapping document: its mapping, and what it says of persons."""
    from andon_records.mapping.contract_form import to_contract

    from andon_client.loading import policies_of

    return source_pb2.Source(
        mapping=json_format.ParseDict(to_contract(document), mapping_pb2.RecordMapping()),
        policies=policies_of(rules),
        subject=rules.subject,
    )


def document_of(source: source_pb2.Source) -> dict[str, Any]:
    """The mapping document of a source, with its rules."""
    from andon_records.mapping.contract_form import to_document

    contract = json_format.MessageToDict(source.mapping, preserving_proto_field_name=True)
    document: dict[str, Any] = {"source": source.name.removeprefix("sources/"), **to_document(contract)}
    whole = json_format.MessageToDict(source, preserving_proto_field_name=True)
    document |= {key: whole[key] for key in RULE_KEYS if key in whole}
    if source.policies:
        document["privacy"] = {one.field: _rule(one) for one in source.policies}
    if source.subject:
        document["subject"] = source.subject
    return document


def _rule(policy: source_pb2.FieldPolicy) -> str | dict[str, Any]:
    treatment = short(source_pb2.Treatment, policy.treatment)
    numbers = {"band": policy.band, "leading_characters": policy.leading_characters}
    given = {name: number for name, number in numbers.items() if number}
    return {"treatment": treatment, **given} if given else treatment


def _show(source: source_pb2.Source, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(source)
        return
    emit([source], False, sources_table, options.locale)
    if source.HasField("mapping") or any(field.name in OWN_RULE_KEYS for field, _ in source.ListFields()):
        sys.stdout.write(yaml.safe_dump(document_of(source), sort_keys=False, allow_unicode=True))


def _print_tested(number: int, tested: record_pb2.TestedRecord, locale: str) -> None:
    outcome = say(f"outcome_{short(record_pb2.RecordOutcome, tested.outcome)}", locale)
    lines = [say("record_becomes", locale, number=number, outcome=outcome, count=len(tested.events))]
    for event in tested.events:
        moment = event.time.ToDatetime().isoformat(sep=" ", timespec="milliseconds")
        lines.append(f"    {event.id}  {event.case_id}  {event.activity}  {moment}Z  {event.resource}".rstrip())
        values = {key: value.WhichOneof("kind") for key, value in event.attributes.items()}
        if values:
            shown = ", ".join(f"{key}={_value(event.attributes[key], kind)}" for key, kind in sorted(values.items()))
            lines.append(f"        {shown}")
    lines += [f"    {_reason(rejection, locale, within=True)}" for rejection in tested.rejections]
    for line in lines:
        screen.print(line, markup=False, highlight=False, soft_wrap=True)


def _value(value: Any, kind: str | None) -> str:
    if kind == "time":
        return str(value.time.ToJsonString())
    return str(getattr(value, kind)) if kind else ""


def _reason(rejection: record_pb2.RecordRejection, locale: str, within: bool = False) -> str:
    text = f"{rejection.field}: {rejection.message} ({refusal_name(rejection.reason)})"
    if within:
        return text
    return say("record_refused", locale, number=rejection.index + 1, text=text)


def _plain(rejection: record_pb2.RecordRejection) -> dict[str, Any]:
    return {
        "record": rejection.index + 1,
        "field": rejection.field,
        "reason": refusal_name(rejection.reason),
        "message": rejection.message,
    }
