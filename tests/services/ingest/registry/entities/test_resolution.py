"""What a key means at a position, and the entities that events get by it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from services.ingest.columns import FIXED
from services.ingest.model import EntityField, EntityKind, Source, SourceId
from services.ingest.registry.entities.counts import key_counts
from services.ingest.registry.entities.model import EntityId, Key, Link, key_form
from services.ingest.registry.entities.resolution import Links

DESK, SHOP = SourceId("desk"), SourceId("shop")
BRANCH, SITE = "attributes.branch", "attributes.site"
LOCATION = EntityKind.LOCATION


def page(*events: tuple[str, object, object]) -> pa.RecordBatch:
    """Source, branch and site."""
    sources, branches, sites = zip(*events, strict=True)
    columns = {name: pa.nulls(len(events), kind) for name, kind in FIXED}
    columns["source"] = pa.array(sources).dictionary_encode().cast(pa.dictionary(pa.int32(), pa.string()))
    columns["case_id"] = pa.array([f"case {n}" for n in range(len(events))])
    return pa.RecordBatch.from_pydict({**columns, BRANCH: pa.array(branches), SITE: pa.array(sites)})


def links(*given: tuple[SourceId, str, str, str, int, int | None]) -> Links:
    found = Links()
    found.learn(
        Link(Key(source, field, key), EntityId(entity), LOCATION, since, until)
        for source, field, key, entity, since, until in given
    )
    return found


def entities(known: Links, one: pa.RecordBatch, *positions: int) -> list[str | None]:
    found = known.resolved(one, np.array(positions))
    assert one.schema.names == found.schema.names[: len(one.schema.names)]
    return found.column("attributes.entity.location").to_pylist() if found is not one else [None] * one.num_rows


def test_keys_that_look_alike_are_one() -> None:
    assert key_form(" Caf\u0065\u0301\u200b\ufeff ") == key_form("Caf\u00e9") == "Caf\u00e9"
    assert key_form("\u200b") == ""
    assert key_form("North") != key_form("north")


def test_several_sources_that_mean_one_entity_yield_one() -> None:
    known = links((DESK, BRANCH, "N1", "north", 5, None), (SHOP, SITE, "17", "north", 5, None))
    one = page(("desk", " N1\u200b", 3), ("shop", "N1", 17), ("shop", "x", 18), ("desk", None, 17))
    assert entities(known, one, 9, 9, 9, 9) == ["north", "north", None, None]
    # As it came: what is added is a column, and nothing else changes.
    assert known.resolved(one, np.array([9, 9, 9, 9])).column(BRANCH).to_pylist()[0] == " N1\u200b"


def test_a_key_means_what_it_meant_at_the_position() -> None:
    known = links((DESK, BRANCH, "N1", "north", 5, 8), (DESK, BRANCH, "N1", "south", 8, None))
    one = page(*[("desk", "N1", None)] * 4)
    assert entities(known, one, 4, 5, 7, 8) == [None, "north", "north", "south"]
    again = links((DESK, BRANCH, "N1", "north", 5, None))
    again.learn([Link(Key(DESK, BRANCH, "N1"), EntityId("north"), LOCATION, 5, 6)])
    assert entities(again, one, 4, 5, 6, 9) == [None, "north", None, None]


def test_a_page_without_linked_keys_is_what_it_was() -> None:
    one = page(("shop", "N1", None))
    assert links((DESK, BRANCH, "N1", "north", 0, None)).resolved(one, np.array([9])) is one
    assert Links().resolved(one, np.array([9])) is one


def test_an_attribute_of_the_same_name_gives_way_only_where_there_is_an_entity() -> None:
    one = page(("desk", "N1", None), ("desk", "N2", None))
    own = one.append_column("attributes.entity.location", pa.array(["mine", "mine"]))
    known = links((DESK, BRANCH, "N1", "north", 0, None))
    assert known.resolved(own, np.array([1, 1])).column("attributes.entity.location").to_pylist() == ["north", "mine"]


def test_keys_are_counted_by_their_form_with_how_they_came_first() -> None:
    source = Source(DESK, entity_keys=(EntityField(BRANCH, LOCATION), EntityField(SITE, EntityKind.TEAM)))
    pages = [page(("desk", " N1", 7), ("desk", "N1", None), ("shop", "N1", 7)), page(("desk", " ", 7))]
    found = [(one.key.field, one.key.key, one.raw, one.events) for one in key_counts(source, pages)]
    assert found == [(BRANCH, "N1", " N1", 2), (SITE, "7", "7", 2)]
