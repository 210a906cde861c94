"""`andon privacy` and `andon erase`: what is found in texts, what policies make of it, and the erasure of persons."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from andon.ingest.v1 import event_pb2, privacy_pb2, source_pb2
from andon_records.files.utf8_stream import is_gzip

from andon_client.commands.filters import Json, Limit
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.listing import list_erasures, take
from andon_client.presentation.formats import localised, short
from andon_client.presentation.phrases import LocalisedError, say
from andon_client.presentation.tables import erasures_table
from andon_client.suite import Suite
from andon_client.terminal import Context, as_document, emit, emit_document, emit_json, fail, loaded, run, screen

TEXTS_AT_ONCE = 100
SAMPLE_FIELD = "attributes.text"
_TREATMENTS = [value for value in source_pb2.Treatment.values() if value]

Reason = Annotated[str, typer.Option("--reason", help="Why, for the certificate; at most 500 characters.")]


def erase(
    context: typer.Context,
    values: Annotated[
        list[str] | None,
        typer.Argument(help="All that names the person, as sources send it: name, mail address, customer number."),
    ] = None,
    values_file: Annotated[
        Path | None,
        typer.Option("--values-file", exists=True, dir_okay=False, help="The values, one a line, instead."),
    ] = None,
    reason: Reason = "",
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Also write the certificate to this new file, as JSON.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Erase a person: show what would be deleted, ask, delete it and print the certificate. Cannot be undone."""
    options: Context = context.obj
    named = loaded(options, lambda: _values(values or [], values_file))
    if certificate is not None and certificate.exists():
        raise typer.BadParameter(say("file_exists", options.locale, file=certificate), param_hint="--certificate")
    request = privacy_pb2.EraseSubjectRequest(values=named, reason=reason, validate_only=True)
    if validate_only or not yes:
        _show(_erased(options, request), options, as_json and validate_only)
        if validate_only:
            return
        if not sys.stdin.isatty():
            fail(say("erase_not_confirmed", options.locale), options.locale)
        typer.confirm(say("erase_confirm", options.locale), abort=True, err=True)
    request.validate_only, request.request_id = False, request_key(request_id, validate_only)
    made = _erased(options, request)
    _show(made, options, as_json)
    if certificate is not None:
        text = json.dumps(as_document(made), ensure_ascii=False, indent=2) + "\n"
        loaded(options, lambda: certificate.write_text(text, encoding="utf-8"))


def erasures(context: typer.Context, limit: Limit = 50, as_json: Json = False) -> None:
    """List the certificates of erasures, newest first."""
    options: Context = context.obj

    async def work(suite: Suite) -> list[privacy_pb2.Erasure]:
        return await take(list_erasures(suite, privacy_pb2.ListErasuresRequest(page_size=min(limit, 1_000))), limit)

    emit(run(options, work), as_json, erasures_table, options.locale)


def certificate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the erasure, as listed by `andon privacy erasures`.")],
    as_json: Json = False,
) -> None:
    """Show the certificate of an erasure: what was deleted, and what is unchanged."""
    options: Context = context.obj

    async def work(suite: Suite) -> privacy_pb2.Erasure:
        return (await suite.privacy.GetErasure(privacy_pb2.GetErasureRequest(name=name))).erasure

    _show(run(options, work), options, as_json)


def try_out(
    context: typer.Context,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to look at.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", exists=True, dir_okay=False, help="Texts, one a line, plain or .gz."),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="Show what the policies of this source make of it. Default: each treatment.")
    ] = "",
    field: Annotated[
        str, typer.Option("--field", help="Field of the source: resource or attributes.NAME.")
    ] = SAMPLE_FIELD,
    as_json: Json = False,
) -> None:
    """Show which identifiers a scan finds in texts, by class, and what policies make of the texts. Stores nothing."""
    options: Context = context.obj
    given = loaded(options, lambda: [*(texts or []), *(_lines(file) if file else [])])
    if not given:
        fail(say("privacy_no_text", options.locale), options.locale)
    if field != "resource" and not field.startswith("attributes."):
        raise typer.BadParameter(say("privacy_field", options.locale), param_hint="--field")

    async def work(suite: Suite) -> list[privacy_pb2.TestPolicyResponse.Result]:
        found: list[privacy_pb2.TestPolicyResponse.Result] = []
        for begin in range(0, len(given), TEXTS_AT_ONCE):
            request = _request(given[begin : begin + TEXTS_AT_ONCE], source, field)
            found += (await suite.privacy.TestPolicy(request)).results
        return found

    results = run(options, work)
    counts: Counter[str] = Counter()
    for text, result in zip(given, results, strict=True):
        classes = Counter(getattr(one, "class") for one in result.findings)
        counts += classes
        if as_json:
            emit_document(_document(text, result))
        elif file is None or classes:
            for line in _shown(text, result, options.locale, with_treatments=file is None or bool(source)):
                screen.print(line, markup=False, highlight=False, soft_wrap=True)
    if not as_json:
        summary = ", ".join(f"{name} {count:,}" for name, count in counts.most_common()) or "-"
        count = f"{len(given):,}"
        screen.print(say("privacy_found", options.locale, count=count, found=summary), markup=False, soft_wrap=True)


def _values(values: list[str], file: Path | None) -> list[str]:
    named = [*values, *(_lines(file) if file else [])]
    if not named:
        raise LocalisedError("erase_no_value")
    return named


def _lines(file: Path) -> list[str]:
    opened = gzip.open if is_gzip(file) else open
    with opened(file, "rt", encoding="utf-8-sig", errors="replace") as lines:
        return [line.strip() for line in lines if line.strip()]


def _erased(options: Context, request: privacy_pb2.EraseSubjectRequest) -> privacy_pb2.Erasure:
    async def work(suite: Suite) -> privacy_pb2.Erasure:
        return (await suite.privacy.EraseSubject(request)).erasure

    return run(options, work)


def _show(made: privacy_pb2.Erasure, options: Context, as_json: bool) -> None:
    if as_json:
        emit_json(made)
        return
    if made.name:
        emit([made], False, erasures_table, options.locale)
    else:
        screen.print(say("erase_dry_run", options.locale), markup=False)
    screen.print(localised(made.statement, options.locale), markup=False, highlight=False, soft_wrap=True)


def _request(texts: list[str], source: str, field: str) -> privacy_pb2.TestPolicyRequest:
    """With a source, each text is the value of its field; without one, of an attribute for each treatment."""
    request = privacy_pb2.TestPolicyRequest(source=f"sources/{source.removeprefix('sources/')}" if source else "")
    fields = [field]
    if not source:
        fields = [f"attributes.{short(source_pb2.Treatment, one)}" for one in _TREATMENTS]
        policies = zip(fields, _TREATMENTS, strict=True)
        request.policy.policies.extend(source_pb2.FieldPolicy(field=name, treatment=one) for name, one in policies)
    for number, text in enumerate(texts):
        event = event_pb2.Event(id=f"{number}", source=source.removeprefix("sources/") or "test", case_id="test")
        event.activity = "test"
        event.time.GetCurrentTime()
        for name in fields:
            if name == "resource":
                event.resource = text
            else:
                event.attributes[name.removeprefix("attributes.")].text = text
        request.events.append(event)
    return request


def _becomes(result: privacy_pb2.TestPolicyResponse.Result) -> dict[str, str]:
    """The texts of the event as it would be stored, by field."""
    event = result.event
    return {
        **({"resource": event.resource} if event.resource else {}),
        **{name: str(getattr(value, value.WhichOneof("kind") or "text")) for name, value in event.attributes.items()},
    }


def _document(text: str, result: privacy_pb2.TestPolicyResponse.Result) -> dict[str, object]:
    findings = [
        {"class": getattr(one, "class"), "start": one.start, "end": one.end, "text": text[one.start : one.end]}
        for one in result.findings
    ]
    return {
        "text": text,
        "findings": findings,
        "becomes": _becomes(result),
        "rejected": result.rejection.message if result.HasField("rejection") else "",
    }


def _shown(
    text: str, result: privacy_pb2.TestPolicyResponse.Result, locale: str, *, with_treatments: bool
) -> list[str]:
    lines = [text]
    if result.HasField("rejection"):
        return [*lines, f"  {result.rejection.field}: {result.rejection.message}"]
    lines += [f"  {getattr(one, 'class')}: {text[one.start : one.end]}" for one in result.findings]
    if not result.findings:
        lines.append(f"  {say('privacy_nothing', locale)}")
    if with_treatments:
        becomes = _becomes(result)
        names = becomes.keys() | {short(source_pb2.Treatment, one) for one in _TREATMENTS if len(becomes) > 1}
        lines += [f"    {name:<14}{becomes.get(name, '-')}" for name in sorted(names)]
    return lines
