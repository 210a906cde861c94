"""CreateIndicatorSystem, GetIndicatorSystem, ListIndicatorSystems, LintIndicatorSystem, ActivateIndicatorSystem."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import Any

from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import scoring_pb2

from services.runtime.errors import (
    Aborted,
    FailedPrecondition,
    NotFound,
    PreconditionViolation,
    invalid,
)
from services.runtime.page_tokens import page_size, page_token, place_of
from services.runtime.requests import idempotency_key
from services.scoring.servicer.request_context import RequestContext
from services.scoring.store.systems import SystemEditor
from services.scoring.system.lint import Finding, Severity, lint
from services.scoring.system.lint_log import LogVocabulary, never_seen
from services.scoring.system.lint_sizes import TOO_MANY
from services.scoring.wire.scores import finding_message
from services.scoring.wire.systems import listed_message, spec_of, system_message

PARENT = re.compile(r"processes/[a-z0-9-]{1,64}")
SYSTEM_ID = re.compile(r"[a-z0-9-]{1,64}")
LIST_DEFAULT, LIST_MAX = 100, 1_000
NEWEST = 2**31 - 1


class SystemRpcs:
    requests: RequestContext
    active_systems_max: int

    async def CreateIndicatorSystem(
        self, request: scoring_pb2.CreateIndicatorSystemRequest, context: Any
    ) -> scoring_pb2.CreateIndicatorSystemResponse:
        key = idempotency_key(request)
        if not PARENT.fullmatch(request.parent):
            raise invalid("parent", "must be processes/{process}, with 1 to 64 of [a-z0-9-]")
        if not SYSTEM_ID.fullmatch(request.indicator_system_id):
            raise invalid("indicator_system_id", "must be 1 to 64 of [a-z0-9-]")
        name = f"{request.parent}/indicatorSystems/{request.indicator_system_id}"
        findings = await self._findings(request.spec)
        _refuse_errors(name, findings)
        messages = [finding_message(finding) for finding in findings]
        spec = request.spec.SerializeToString(deterministic=True)
        if request.validate_only:
            draft = system_pb.IndicatorSystem(name=name, state=system_pb.IndicatorSystem.STATE_DRAFT, spec=request.spec)
            return scoring_pb2.CreateIndicatorSystemResponse(indicator_system=draft, findings=messages)
        async with self.requests.store.editing(self.requests.tenant) as editor:
            first = await editor.first_answer(key)
            if first is not None:
                return scoring_pb2.CreateIndicatorSystemResponse.FromString(first)
            made = system_message(await editor.create(name, spec, uuid.uuid4().hex))
            answer = scoring_pb2.CreateIndicatorSystemResponse(indicator_system=made, findings=messages)
            await editor.store_answer(key, "CreateIndicatorSystem", answer.SerializeToString())
        return answer

    async def GetIndicatorSystem(
        self, request: scoring_pb2.GetIndicatorSystemRequest, context: Any
    ) -> scoring_pb2.GetIndicatorSystemResponse:
        found = await self.requests.store.system(self.requests.tenant, request.name, request.version)
        if found is None:
            raise NotFound("NOT_FOUND", "there is no such indicator system")
        return scoring_pb2.GetIndicatorSystemResponse(indicator_system=system_message(found))

    async def ListIndicatorSystems(
        self, request: scoring_pb2.ListIndicatorSystemsRequest, context: Any
    ) -> scoring_pb2.ListIndicatorSystemsResponse:
        size = page_size(request.page_size, LIST_DEFAULT, LIST_MAX)
        if request.parent and not PARENT.fullmatch(request.parent):
            raise invalid("parent", "must be processes/{process}")
        name, version = place_of(request, "", NEWEST)
        found = await self.requests.store.list_systems(
            self.requests.tenant, request.parent, request.active_only, (name, version), size + 1
        )
        # Documents may be large, and there may be thousands of versions.
        listed = await asyncio.to_thread(lambda: [listed_message(one) for one in found])
        token = page_token(request, listed[size - 1].name, listed[size - 1].version) if len(listed) > size else ""
        return scoring_pb2.ListIndicatorSystemsResponse(indicator_systems=listed[:size], next_page_token=token)

    async def LintIndicatorSystem(
        self, request: scoring_pb2.LintIndicatorSystemRequest, context: Any
    ) -> scoring_pb2.LintIndicatorSystemResponse:
        findings = await self._findings(request.spec)
        return scoring_pb2.LintIndicatorSystemResponse(findings=[finding_message(finding) for finding in findings])

    async def _findings(self, spec: system_pb.IndicatorSystemSpec) -> list[Finding]:
        """Of the document itself, then of the document against the log, where that is known."""
        vocabulary = await self.requests.replica.ingest(self.requests.tenant).vocabulary()
        return await asyncio.to_thread(_linted, spec, vocabulary)

    async def ActivateIndicatorSystem(
        self, request: scoring_pb2.ActivateIndicatorSystemRequest, context: Any
    ) -> scoring_pb2.ActivateIndicatorSystemResponse:
        key = idempotency_key(request)
        async with self.requests.store.editing(self.requests.tenant) as editor:
            first = await editor.first_answer(key)
            if first is not None:
                return scoring_pb2.ActivateIndicatorSystemResponse.FromString(first)
            known = await _known(editor, request)
            if known.state == system_pb.IndicatorSystem.STATE_ACTIVE:
                return scoring_pb2.ActivateIndicatorSystemResponse(indicator_system=known)
            # Every active system holds a fold, a book and an inbox in each replica.
            if await editor.other_active_count(known.name) >= self.active_systems_max:
                raise _too_many(known.name, self.active_systems_max)
            if request.validate_only:
                return scoring_pb2.ActivateIndicatorSystemResponse(indicator_system=known)
            activated = system_message(
                await editor.activate(known.name, known.version, uuid.uuid4().hex, uuid.uuid4().hex)
            )
            answer = scoring_pb2.ActivateIndicatorSystemResponse(indicator_system=activated)
            await editor.store_answer(key, "ActivateIndicatorSystem", answer.SerializeToString())
        self.requests.replica.look()
        return answer


def _linted(message: system_pb.IndicatorSystemSpec, vocabulary: LogVocabulary | None) -> list[Finding]:
    """Tens of milliseconds for the largest document, and some for each new kind of chart: not for the event loop."""
    spec = spec_of(message)
    findings = lint(spec)
    if vocabulary is None or any(one.check == TOO_MANY for one in findings):
        return findings
    return [*findings, *never_seen(spec, vocabulary)]


async def _known(
    editor: SystemEditor, request: scoring_pb2.ActivateIndicatorSystemRequest
) -> system_pb.IndicatorSystem:
    stored = await editor.version(request.name, request.version)
    if stored is None:
        raise NotFound("NOT_FOUND", "there is no such version of this indicator system")
    known = system_message(stored)
    if request.etag and request.etag != known.etag:
        raise Aborted("ETAG_STALE", "the version changed since it was read")
    return known


def _too_many(name: str, active_max: int) -> FailedPrecondition:
    description = (
        f"a tenant has at most {active_max:,} active indicator systems: activate a version of one of them instead,"
        " or have active_systems_max of scoring raised"
    )
    return FailedPrecondition(
        "TOO_MANY_SYSTEMS",
        description,
        precondition_violations=[PreconditionViolation("ACTIVE_SYSTEMS", name, description)],
    )


def _refuse_errors(name: str, findings: list[Finding]) -> None:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        violations = [PreconditionViolation(one.check, f"{name}: {one.field}", one.message.en) for one in errors]
        raise FailedPrecondition(
            "LINT_FAILED", "the indicator system does not pass its lint", precondition_violations=violations
        )
