"""Entities, their keys and unmapped keys as tables."""

from __future__ import annotations

from collections.abc import Sequence

from andon.ingest.v1 import entity_pb2 as pb
from andon.ingest.v1 import source_pb2

from andon_client.presentation.formats import localised, when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.survey_tables import small_table
from andon_client.presentation.tables import Table


def entities_table(entities: Sequence[pb.Entity], locale: str) -> Table:
    rows = [
        (
            one.name,
            named(source_pb2.EntityKind, one.kind, locale),
            localised(one.title, locale) or "-",
            f"{one.key_count:,}",
            one.merged_into or "-",
            when(one.create_time) if one.HasField("create_time") else "-",
        )
        for one in entities
    ]
    return small_table("entities", locale, ("=name", "kind", "title", ">keys", "=merged_into", "created"), rows)


def links_table(links: Sequence[pb.EntityLink], locale: str) -> Table:
    rows = [
        (
            one.key.source,
            one.key.field,
            one.key.key,
            when(one.link_time),
            one.linked_by,
            one.moved_from or "-",
            when(one.unlink_time) if one.HasField("unlink_time") else say("today", locale),
            one.unlinked_by or "-",
            one.moved_to or "-",
        )
        for one in links
    ]
    names = ("=source", "field", "=key", "linked", "linked_by", "moved_from", "until", "unlinked_by", "moved_to")
    return small_table("entity_keys", locale, names, rows)


def unmapped_table(keys: Sequence[pb.UnmappedKey], locale: str) -> Table:
    rows = [
        (
            one.key.source,
            one.key.field,
            one.key.key,
            ascii(one.raw) if one.raw else "-",
            named(source_pb2.EntityKind, one.kind, locale),
            f"{one.event_count:,}",
        )
        for one in keys
    ]
    return small_table("unmapped_keys", locale, ("=source", "field", "=key", "raw", "kind", ">events"), rows)
