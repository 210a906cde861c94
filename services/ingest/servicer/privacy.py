"""PrivacyService: policies are tested, encrypted values read, and persons erased."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import structlog
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import event_pb2, privacy_pb2, source_pb2
from andon.ingest.v1 import privacy_pb2_grpc as grpc_stubs

from services.ingest import wire
from services.ingest.admission.cleaning_rules import key_form
from services.ingest.admission.persons import NotReadable, PersonSecret, reference_in
from services.ingest.admission.policies import policy_of
from services.ingest.admission.tenant_keys import TenantKeys
from services.ingest.columns import FIXED_NAMES
from services.ingest.model import Arrival, MalformedBatch, Source, SourceId, Treatment
from services.ingest.privacy.engine import identifiers, masked
from services.ingest.registry.persons import Erasure, PersonStore, unwrapped
from services.ingest.registry.quarantine import OPENED_ROWS, corrected_name, opened
from services.ingest.registry.vocabulary import MANY, Word
from services.ingest.servicer.policy_rules import check_privacy
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.trial import tried
from services.ingest.wire import batches
from services.ingest.wire.times import timestamp
from services.ingest.workers import computed
from services.ingest.writer.interface import LockedSession
from services.runtime.errors import NotFound, invalid
from services.runtime.field_checks import FieldChecks
from services.runtime.identity import current_caller
from services.runtime.page_tokens import page_size, page_token, place_of

EVENTS_MAX = VALUES_MAX = 100
VALUE_CHARS_MAX = 4_000
REASON_CHARS_MAX = 500
PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000
ERASURE_PREFIX = "erasures/"
_SEALED_AT_ONCE = 500
_START = (-1, "")
_SCANNED = ("activity", "resource")

log = structlog.get_logger(__name__)


class PrivacyServicer(grpc_stubs.PrivacyServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self._requests = requests

    async def TestPolicy(self, request: privacy_pb2.TestPolicyRequest, context: Any) -> privacy_pb2.TestPolicyResponse:
        if not 1 <= len(request.events) <= EVENTS_MAX:
            raise invalid("events", f"must be 1 to {EVENTS_MAX}")
        source = await self._tested(request)
        tenant_log = await self._requests.log()
        try:
            arrival = batches.arrival(event_pb2.EventBatch(rows=event_pb2.EventRows(events=request.events)))
        except MalformedBatch as malformed:
            raise invalid("events", malformed.message, malformed.reason) from malformed
        names = arrival.page.column("source").dictionary.to_pylist()
        sources = {SourceId(name): source for name in names if name}
        admission = await tried(self._requests, tenant_log, arrival, sources)
        results = [
            privacy_pb2.TestPolicyResponse.Result(findings=_findings(arrival, row, source))
            for row in range(len(request.events))
        ]
        for row, place in enumerate(admission.index.tolist()):
            results[place].event.CopyFrom(wire.event(admission.page, row))
        for fault in admission.faults[0]:
            results[fault.index].rejection.CopyFrom(wire.rejection(fault, ""))
        return privacy_pb2.TestPolicyResponse(results=results)

    async def _tested(self, request: privacy_pb2.TestPolicyRequest) -> Source:
        source = Source(SourceId("policy"))
        if request.source:
            tenant_log = await self._requests.log()
            async with self._requests.store.session(tenant_log.tenant) as session:
                found = await session.registry.source(wire.source_id(request.source))
            if found is None:
                raise NotFound("NOT_FOUND", "no such source")
            source = found
        if request.HasField("policy"):
            checks = FieldChecks()
            check_privacy(request.policy, "policy", checks)
            checks.done()
            given = source_pb2.Source(policies=request.policy.policies, subject=request.policy.subject)
            source = wire.source(given, source.id)
        return source

    async def EraseSubject(
        self, request: privacy_pb2.EraseSubjectRequest, context: Any
    ) -> privacy_pb2.EraseSubjectResponse:
        values = _checked_values(request)
        given = len(values)
        tenant_log = await self._requests.log()
        keys = tenant_log.keys
        # A source may bring keys to their form before it names the person.
        values = list(dict.fromkeys([*values, *map(key_form, values)]))
        # Any of the values as a whole word.
        word = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, values))})(?![A-Za-z0-9])")
        hashes = sorted({keys.person(value) for value in values})
        # What is remembered of a request must not lead to the person.
        keyed = privacy_pb2.EraseSubjectRequest()
        keyed.CopyFrom(request)
        del keyed.values[:]
        keyed.values.extend(one.hex() for one in hashes)
        first = await self._requests.first_answer(keyed, privacy_pb2.EraseSubjectResponse)
        if first is not None:
            return first
        # All refused events before the lock is taken, and under it only those that came since.
        found, place = await _holding(self._requests.store.persons(tenant_log.tenant), keys, word, _START)

        async def erase(session: LockedSession) -> privacy_pb2.EraseSubjectResponse:
            late, _ = await _holding(session.persons, keys, word, place)
            names = sorted({*found, *late})
            vocabulary = await session.registry.vocabulary()
            cleared = await computed(VALUES_MAX * len(vocabulary.types), partial(vocabulary.attributes_with, word))
            actor, reason = current_caller().subject, masked(request.reason)
            position = session.head.position + 1
            if request.validate_only:
                known = len(await session.persons.persons(hashes))
                made = Erasure(uuid4(), actor, reason, given, known, len(names), len(cleared), position)
                message = _message(made)
                message.ClearField("name")
                return privacy_pb2.EraseSubjectResponse(erasure=message)
            destroyed = await session.persons.erase(hashes)
            deleted, _ = await session.quarantine.delete(names)
            await session.registry.record_vocabulary([Word(MANY, attribute) for attribute in cleared])
            made = Erasure(uuid4(), actor, reason, given, destroyed, deleted, len(cleared), position)
            made = replace(made, erased_at_us=await session.persons.record(made))
            return privacy_pb2.EraseSubjectResponse(erasure=_message(made))

        response = await self._requests.once("EraseSubject", keyed, privacy_pb2.EraseSubjectResponse, erase)
        if not request.validate_only:
            one = response.erasure
            log.info("person erased", erasure=one.name, persons=one.person_count, refused=one.quarantined_count)
        return response

    async def GetErasure(self, request: privacy_pb2.GetErasureRequest, context: Any) -> privacy_pb2.GetErasureResponse:
        tenant_log = await self._requests.log()
        try:
            erasure_id = UUID(request.name.removeprefix(ERASURE_PREFIX))
        except ValueError as error:
            raise NotFound("NOT_FOUND", "no such erasure") from error
        found = await self._requests.store.persons(tenant_log.tenant).erasure(erasure_id)
        if found is None:
            raise NotFound("NOT_FOUND", "no such erasure")
        return privacy_pb2.GetErasureResponse(erasure=_message(found))

    async def ListErasures(
        self, request: privacy_pb2.ListErasuresRequest, context: Any
    ) -> privacy_pb2.ListErasuresResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        position, last = place_of(request, 2**62, str(UUID(int=2**128 - 1)))
        tenant_log = await self._requests.log()
        try:
            before = position, UUID(last)
        except ValueError as error:
            raise invalid("page_token", "is not of this list", "PAGE_TOKEN_INVALID") from error
        found = await self._requests.store.persons(tenant_log.tenant).erasures(before, size + 1)
        chosen = found[:size]
        more = page_token(request, chosen[-1].position, str(chosen[-1].erasure_id)) if len(found) > size else ""
        return privacy_pb2.ListErasuresResponse(erasures=[_message(one) for one in chosen], next_page_token=more)

    async def RevealValues(
        self, request: privacy_pb2.RevealValuesRequest, context: Any
    ) -> privacy_pb2.RevealValuesResponse:
        if not 1 <= len(request.values) <= VALUES_MAX:
            raise invalid("values", f"must be 1 to {VALUES_MAX}")
        tenant_log = await self._requests.log()
        references = {_reference(one.text) for one in request.values} - {b""}
        stored = await self._requests.store.persons(tenant_log.tenant).by_reference(sorted(references))
        wrapping = tenant_log.keys.wrapping
        secrets = {
            reference: PersonSecret.of(unwrapped(wrapping, one), one.version, reference)
            for reference, one in stored.items()
        }
        log.info("values revealed", caller=current_caller().subject, count=len(request.values))
        return privacy_pb2.RevealValuesResponse(values=[_revealed(one, secrets) for one in request.values])


def _checked_values(request: privacy_pb2.EraseSubjectRequest) -> list[str]:
    checks = FieldChecks()
    checks.require(1 <= len(request.values) <= VALUES_MAX, "values", f"must be 1 to {VALUES_MAX}")
    for index, value in enumerate(request.values):
        # A blank one would be found in every text.
        sized = key_form(value) and len(value) <= VALUE_CHARS_MAX
        checks.require(bool(sized), f"values[{index}]", f"must have 1 to {VALUE_CHARS_MAX} characters, not all blank")
    longest = f"must have at most {REASON_CHARS_MAX} characters"
    checks.require(len(request.reason) <= REASON_CHARS_MAX, "reason", longest)
    checks.done()
    return list(dict.fromkeys(request.values))


async def _holding(
    store: PersonStore, keys: TenantKeys, word: re.Pattern[str], place: tuple[int, str]
) -> tuple[list[str], tuple[int, str]]:
    """The refused events after a place that hold one of the values, and where the last one is."""
    found: list[str] = []
    while page := await store.sealed_events(place, _SEALED_AT_ONCE):

        def matching(page: Sequence[tuple[int, str, bytes, bytes | None]] = page) -> list[str]:
            return [
                name
                for _, name, *contents in page
                if any(_holds(word, keys, name, one) for one in _named(name, contents))
            ]

        found += await computed(OPENED_ROWS * len(page), matching)
        place = page[-1][:2]
    return found, place


def _named(name: str, contents: Sequence[bytes | None]) -> list[tuple[str, bytes]]:
    """What is encrypted of an entry, with the name that it is authenticated by."""
    return [(one, content) for one, content in zip((name, corrected_name(name)), contents, strict=True) if content]


def _holds(word: re.Pattern[str], keys: TenantKeys, name: str, content: tuple[str, bytes]) -> bool:
    event = event_pb2.Event.FromString(opened(keys.quarantine, *content))
    texts = [event.id, event.case_id, event.activity, event.resource]
    for one in event.attributes.values():
        kind = one.WhichOneof("kind")
        texts.append(str(getattr(one, kind)) if kind else "")
    return any(word.search(text) for text in texts)


def _findings(arrival: Arrival, row: int, source: Source) -> list[privacy_pb2.TestPolicyResponse.Finding]:
    found = []
    page = arrival.page
    for place, field in enumerate(page.schema.names):
        if place < len(FIXED_NAMES) and field not in _SCANNED:
            continue
        value = page.column(place)[row].as_py()
        if isinstance(value, str) and policy_of(source, field).treatment == Treatment.SCAN:
            for one in identifiers(value):
                finding = privacy_pb2.TestPolicyResponse.Finding(field=field, start=one.start, end=one.end)
                setattr(finding, "class", one.kind.value)
                found.append(finding)
    return found


def _reference(text: str) -> bytes:
    """Empty: the text is no encrypted value."""
    try:
        return reference_in(text)
    except NotReadable:
        return b""


def _revealed(
    one: privacy_pb2.RevealValuesRequest.EncryptedValue, secrets: dict[bytes, PersonSecret]
) -> privacy_pb2.RevealValuesResponse.RevealedValue:
    secret = secrets.get(_reference(one.text))
    if secret is None:
        return privacy_pb2.RevealValuesResponse.RevealedValue()
    try:
        return privacy_pb2.RevealValuesResponse.RevealedValue(readable=True, text=secret.decrypted(one.field, one.text))
    except NotReadable:
        return privacy_pb2.RevealValuesResponse.RevealedValue()


def _message(one: Erasure) -> privacy_pb2.Erasure:
    persons, refused, cleared = one.person_count, one.quarantined_count, one.vocabulary_count
    message = privacy_pb2.Erasure(
        name=f"{ERASURE_PREFIX}{one.erasure_id}",
        actor=one.actor,
        reason=one.reason,
        value_count=one.value_count,
        person_count=persons,
        quarantined_count=refused,
        vocabulary_count=cleared,
        statement=Text(
            en=f"Secrets destroyed: {persons}. Refused events deleted: {refused}. Lists of recorded values deleted: "
            f"{cleared}. What was encrypted under these "
            "secrets cannot be read, and the pseudonyms that were made from them cannot be linked to the values given. "
            "The log, scores, signals and problems are unchanged.",
            zh=f"已销毁密钥：{persons}；已删除被拒事件：{refused}；已删除取值列表：{cleared}。以这些密钥加密的内容不可再读取，"
            "由其生成的假名无法再与所给的值关联。日志、评分、信号与问题保持不变。",
        ),
    )
    if one.erased_at_us:
        message.erase_time.CopyFrom(timestamp(one.erased_at_us))
    return message
