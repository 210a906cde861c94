"""Sources: create, get, list, update."""

from dataclasses import replace
from typing import Any

from andon.ingest.v1 import ingest_pb2, source_pb2

from services.ingest import wire
from services.ingest.admission.names import is_source_name
from services.ingest.admission.own_source import OWN_SOURCES
from services.ingest.admission.policies import personal_attributes
from services.ingest.model import (
    ATTRIBUTE_PREFIX,
    DEDUP_HORIZON_US_MIN,
    RESERVED_PREFIX,
    SECOND_US,
    SOURCE,
    Source,
    SourceId,
)
from services.ingest.registry.vocabulary import MANY, Word
from services.ingest.servicer.cleaning_rules import check_cleaning
from services.ingest.servicer.entity_rules import check_entity_keys
from services.ingest.servicer.policy_rules import check_privacy
from services.ingest.servicer.quality_rules import check_quality
from services.ingest.servicer.records import check_mapping
from services.ingest.servicer.request_context import RequestContext
from services.ingest.writer.interface import LockedSession
from services.runtime.errors import Aborted, AlreadyExists, NotFound, invalid
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of

CHANGEABLE = (
    "kind",
    "title",
    "dedup_horizon",
    "time_earliest",
    "future_tolerance",
    "policies",
    "subject",
    "mapping",
    "cleaning",
    "quality",
    "silent_after",
    "quota",
    "entity_keys",
    "archive_after",
)
TITLE_CHARS_MAX = 200
SILENT_AFTER_US_MIN = 60 * SECOND_US
PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000
_FIELDS = {
    "kind": ("kind",),
    "title": ("title_en", "title_zh"),
    "title.en": ("title_en",),
    "title.zh": ("title_zh",),
    "dedup_horizon": ("dedup_horizon_us",),
    "time_earliest": ("time_earliest_us",),
    "future_tolerance": ("future_tolerance_us",),
    "policies": ("policies",),
    "subject": ("subject",),
    "mapping": ("mapping",),
    "cleaning": ("cleaning",),
    "quality": ("quality",),
    "silent_after": ("silent_after_us",),
    "quota": ("quota",),
    "entity_keys": ("entity_keys",),
    "archive_after": ("archive_after_us",),
}


class SourceRpcs:
    requests: RequestContext

    async def CreateSource(
        self, request: ingest_pb2.CreateSourceRequest, context: Any
    ) -> ingest_pb2.CreateSourceResponse:
        source = _own(request.source_id, request.source) or wire.source(
            request.source, _source_id(request.source_id, "source_id")
        )
        _check(source, request.source)

        async def create(session: LockedSession) -> ingest_pb2.CreateSourceResponse:
            if await session.registry.source(source.id) is not None:
                raise AlreadyExists("ALREADY_EXISTS", "this source exists")
            if request.validate_only:
                return ingest_pb2.CreateSourceResponse(source=wire.source_message(source))
            await session.registry.create_source(source)
            await _clear_values(session, source)
            made = await session.registry.source(source.id)
            assert made is not None
            return ingest_pb2.CreateSourceResponse(source=wire.source_message(made))

        return await self.requests.once("CreateSource", request, ingest_pb2.CreateSourceResponse, create)

    async def UpdateSource(
        self, request: ingest_pb2.UpdateSourceRequest, context: Any
    ) -> ingest_pb2.UpdateSourceResponse:
        name = _source_id(wire.source_id(request.source.name), "source.name")
        given = wire.source(request.source, name)
        paths = list(request.update_mask.paths) if request.HasField("update_mask") else list(CHANGEABLE)
        if not _FIELDS.keys() >= set(paths):
            raise invalid("update_mask", f"may name {', '.join(CHANGEABLE)}")
        changes = {field: getattr(given, field) for path in paths for field in _FIELDS[path]}

        async def update(session: LockedSession) -> ingest_pb2.UpdateSourceResponse:
            current = await session.registry.source(name)
            if current is None:
                raise NotFound("NOT_FOUND", "no such source")
            if request.source.etag and request.source.etag != wire.etag(current):
                raise Aborted("ETAG_STALE", "the source has changed since it was read")
            changed = replace(current, **changes)
            _check(changed, request.source)
            if not request.validate_only:
                if not await session.registry.update_source(changed):
                    raise Aborted("ETAG_STALE", "the source has changed since it was read")
                await _clear_values(session, changed)
                changed = replace(changed, revision=current.revision + 1)
            return ingest_pb2.UpdateSourceResponse(source=wire.source_message(changed))

        return await self.requests.once("UpdateSource", request, ingest_pb2.UpdateSourceResponse, update)

    async def GetSource(self, request: ingest_pb2.GetSourceRequest, context: Any) -> ingest_pb2.GetSourceResponse:
        log = await self.requests.log()
        async with self.requests.store.session(log.tenant) as session:
            found = await session.registry.source(wire.source_id(request.name))
        if found is None:
            raise NotFound("NOT_FOUND", "no such source")
        return ingest_pb2.GetSourceResponse(source=wire.source_message(found))

    async def ListSources(self, request: ingest_pb2.ListSourcesRequest, context: Any) -> ingest_pb2.ListSourcesResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after,) = place_of(request, "")
        log = await self.requests.log()
        async with self.requests.store.session(log.tenant) as session:
            sources = await session.registry.sources()
        names = sorted(name for name in sources if name > after)
        chosen = names[:size]
        more = page_token(request, chosen[-1]) if len(names) > size else ""
        return ingest_pb2.ListSourcesResponse(
            sources=[wire.source_message(sources[name]) for name in chosen], next_page_token=more
        )


async def _clear_values(session: LockedSession, source: Source) -> None:
    """What was recorded of fields that name persons from now on."""
    known = await session.registry.vocabulary()
    fields = [ATTRIBUTE_PREFIX + name for name in known.types if known.values(name) is not None]
    if personal := personal_attributes(fields, [source]):
        await session.registry.record_vocabulary([Word(MANY, name) for name in sorted(personal)])


def _source_id(text: str, field: str) -> SourceId:
    if not SOURCE.fullmatch(text):
        raise invalid(field, "must be 1 to 64 of [a-z0-9._-]")
    if not is_source_name(text):
        raise invalid(field, "must not be what identifies a person")
    if text.startswith(RESERVED_PREFIX):
        raise invalid(field, f"must not begin with {RESERVED_PREFIX}: the service itself writes such sources")
    return SourceId(text)


def _own(name: str, message: source_pb2.Source) -> Source | None:
    """A source that the service writes, where this names one: it gets a title, and is otherwise as it is."""
    own = OWN_SOURCES.get(SourceId(name))
    if own is None:
        return None
    rest = source_pb2.Source()
    rest.CopyFrom(message)
    for field in ("name", "title"):
        rest.ClearField(field)
    if rest != source_pb2.Source():
        raise invalid("source", "may have a title only: the service itself writes this one")
    return replace(own, title_en=message.title.en, title_zh=message.title.zh)


def _check(source: Source, message: source_pb2.Source) -> None:
    checks = FieldChecks()
    checks.require(source.kind in source_pb2.SourceKind.values(), "source.kind", "must be a kind of source")
    for language, title in (("en", source.title_en), ("zh", source.title_zh)):
        longest = f"must have at most {TITLE_CHARS_MAX} characters"
        checks.require(len(title) <= TITLE_CHARS_MAX, f"source.title.{language}", longest)
    enough = source.dedup_horizon_us >= DEDUP_HORIZON_US_MIN
    checks.require(enough, "source.dedup_horizon", "must be at least 1 hour")
    checks.require(source.future_tolerance_us >= 0, "source.future_tolerance", "must not be negative")
    check_privacy(message, "source", checks)
    if source.cleaning:
        check_cleaning(source.cleaning, "source.cleaning", checks)
    check_quality(source.quality, "source.quality", checks)
    check_entity_keys(source, message, "source.entity_keys", checks)
    for name in ("events_per_second", "bytes_per_second"):
        checks.require(getattr(message.quota, name) >= 0, f"source.quota.{name}", "must not be negative")
    silent_after_us = source.silent_after_us
    enough = silent_after_us is None or silent_after_us >= SILENT_AFTER_US_MIN
    checks.require(enough, "source.silent_after", "must be at least 1 minute")
    checks.require((source.archive_after_us or 0) >= 0, "source.archive_after", "must not be negative")
    checks.done()
    check_mapping(source)
