"""Entities: protobuf and model, both ways."""

from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import entity_pb2, event_pb2, source_pb2

from services.ingest import wire
from services.ingest.admission.own_source import ENTITY
from services.ingest.model import EntityKind, SourceId
from services.ingest.registry.entities.model import Entity, EntityId, Key, KeyCount, LinkHistory, key_form
from services.ingest.wire.times import timestamp

ENTITY_PREFIX = "entities/"
ACTIVITY = "Entity linked"


def entity_id(name: str) -> EntityId:
    return EntityId(name.removeprefix(ENTITY_PREFIX))


def key_of(message: entity_pb2.EntityKey) -> Key:
    return Key(wire.source_id(message.source), message.field, key_form(message.key))


def kind_of(number: int) -> EntityKind | None:
    return EntityKind(number) if number in wire.KINDS else None


def key_message(one: Key) -> entity_pb2.EntityKey:
    return entity_pb2.EntityKey(source=wire.SOURCE_PREFIX + one.source, field=one.field, key=one.key)


def entity_message(one: Entity) -> entity_pb2.Entity:
    message = entity_pb2.Entity(
        name=ENTITY_PREFIX + one.id,
        kind=source_pb2.EntityKind.ValueType(one.kind),
        title=Text(en=one.title_en, zh=one.title_zh),
        merged_into=_name(one.merged_into),
        key_count=one.key_count,
    )
    if one.created_at_us:
        message.create_time.CopyFrom(timestamp(one.created_at_us))
    return message


def link_message(one: LinkHistory) -> entity_pb2.EntityLink:
    return entity_pb2.EntityLink(
        key=key_message(one.link.key),
        link_time=timestamp(one.linked_at_us),
        linked_by=one.linked_by,
        unlink_time=timestamp(one.unlinked_at_us) if one.unlinked_at_us is not None else None,
        unlinked_by=one.unlinked_by,
        moved_to=_name(one.moved_to),
        moved_from=_name(one.moved_from),
    )


def unmapped_message(one: KeyCount) -> entity_pb2.UnmappedKey:
    return entity_pb2.UnmappedKey(
        key=key_message(one.key),
        kind=source_pb2.EntityKind.ValueType(one.kind),
        raw=one.raw if one.raw != one.key.key else "",
        event_count=one.events,
    )


def marker_event(since: int, name: str, case_id: str, time_us: int) -> event_pb2.Event:
    """Says of a case that it is to be read again. It retracts nothing that there is, so it is no occurrence."""
    return event_pb2.Event(
        id=name,
        source=ENTITY,
        case_id=case_id,
        activity=ACTIVITY,
        time=timestamp(time_us),
        retracts=f"change-{since}",
    )


def source_of(name: str) -> SourceId | None:
    return wire.source_id(name) if name else None


def _name(entity: str) -> str:
    return ENTITY_PREFIX + entity if entity else ""
