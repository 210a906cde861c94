"""`andon entity`: what several sources call by keys of their own, and keys that are nobody's yet."""

from __future__ import annotations

from typing import Annotated

import typer
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import entity_pb2 as pb
from andon.ingest.v1 import source_pb2

from andon_client.commands.filters import Json, Limit, chosen
from andon_client.commands.write_options import RequestId, ValidateOnly, request_key
from andon_client.listing import list_entities, list_unmapped_keys, take
from andon_client.presentation.entity_tables import entities_table, links_table, unmapped_table
from andon_client.presentation.phrases import say
from andon_client.suite import Suite
from andon_client.terminal import Context, emit, emit_json, run, screen, show_table

Name = Annotated[str, typer.Argument(help="Id of the entity, for example north-branch.")]
Into = Annotated[str, typer.Option("--into", help="The entity that the keys go to.")]
Kind = Annotated[str, typer.Option("--kind", help="person, team, location, product or customer.")]
Keys = Annotated[
    list[str],
    typer.Option("--key", "-k", help="SOURCE:FIELD=KEY, for example desk:attributes.branch=N1; may be repeated."),
]


def create(
    context: typer.Context,
    kind: Kind,
    name: Annotated[str, typer.Argument(help="Id of the entity; of a person or customer the server makes it.")] = "",
    title: Annotated[str, typer.Option("--title", help="Title in English.")] = "",
    title_zh: Annotated[str, typer.Option("--title-zh", help="Title in Chinese.")] = "",
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Create an entity without keys."""
    options: Context = context.obj
    entity = pb.Entity(kind=chosen(source_pb2.EntityKind, kind, "--kind"), title=Text(en=title, zh=title_zh))
    key = request_key(request_id, validate_only)
    request = pb.CreateEntityRequest(entity_id=name, entity=entity, request_id=key, validate_only=validate_only)

    async def work(suite: Suite) -> pb.Entity:
        return (await suite.entities.CreateEntity(request)).entity

    emit([run(options, work)], as_json, entities_table, options.locale)


def list_all(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--kind", help="Only person, team, location, product or customer.")] = "",
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List entities and how many keys each has."""
    options: Context = context.obj
    request = pb.ListEntitiesRequest(kind=chosen(source_pb2.EntityKind, kind, "--kind"), page_size=min(limit, 1_000))

    async def work(suite: Suite) -> list[pb.Entity]:
        return await take(list_entities(suite, request), limit)

    emit(run(options, work), as_json, entities_table, options.locale)


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show an entity, its keys, and who linked each when."""
    options: Context = context.obj

    async def work(suite: Suite) -> pb.GetEntityResponse:
        return await suite.entities.GetEntity(pb.GetEntityRequest(name=f"entities/{name}"))

    found = run(options, work)
    if as_json:
        emit_json(found)
        return
    emit([found.entity], False, entities_table, options.locale)
    show_table(links_table(found.links, options.locale), options.locale)


def link(
    context: typer.Context,
    name: Name,
    keys: Keys,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Link keys of sources to an entity: from now on, and for the events before."""
    options: Context = context.obj
    key = request_key(request_id, validate_only)
    request = pb.LinkKeysRequest(
        entity=f"entities/{name}", keys=map(_key, keys), request_id=key, validate_only=validate_only
    )

    async def work(suite: Suite) -> pb.LinkKeysResponse:
        return await suite.entities.LinkKeys(request)

    found = run(options, work)
    if as_json:
        emit_json(found)
    else:
        screen.print(say("keys_linked", options.locale, count=found.linked_count), highlight=False)


def merge(
    context: typer.Context,
    name: Name,
    into: Into,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Give all keys of an entity to another one of its kind."""
    options: Context = context.obj
    key = request_key(request_id, validate_only)
    request = pb.MergeEntitiesRequest(
        entity=f"entities/{name}", into=f"entities/{into}", request_id=key, validate_only=validate_only
    )

    async def work(suite: Suite) -> pb.Entity:
        return (await suite.entities.MergeEntities(request)).entity

    emit([run(options, work)], as_json, entities_table, options.locale)


def split(
    context: typer.Context,
    name: Name,
    keys: Keys,
    into: Annotated[
        str, typer.Option("--into", help="The entity that the keys go to; made where it does not exist.")
    ] = "",
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
    as_json: Json = False,
) -> None:
    """Give some keys of an entity to another one of its kind."""
    options: Context = context.obj
    key = request_key(request_id, validate_only)
    request = pb.SplitEntityRequest(
        entity=f"entities/{name}",
        keys=map(_key, keys),
        into=f"entities/{into}" if into else "",
        request_id=key,
        validate_only=validate_only,
    )

    async def work(suite: Suite) -> pb.Entity:
        return (await suite.entities.SplitEntity(request)).entity

    emit([run(options, work)], as_json, entities_table, options.locale)


def unmapped(
    context: typer.Context,
    source: Annotated[str, typer.Option("--source", help="Only keys of this source.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="Only person, team, location, product or customer.")] = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List keys that events have and no entity, most frequent first."""
    options: Context = context.obj
    request = pb.ListUnmappedKeysRequest(
        source=f"sources/{source}" if source else "",
        kind=chosen(source_pb2.EntityKind, kind, "--kind"),
        page_size=min(limit, 1_000),
    )

    async def work(suite: Suite) -> list[pb.UnmappedKey]:
        return await take(list_unmapped_keys(suite, request), limit)

    emit(run(options, work), as_json, unmapped_table, options.locale)


def _key(given: str) -> pb.EntityKey:
    source, mark, rest = given.partition(":")
    field, equals, key = rest.partition("=")
    if not (mark and equals and source and field and key):
        raise typer.BadParameter(f"{given} is not SOURCE:FIELD=KEY", param_hint="--key")
    return pb.EntityKey(source=f"sources/{source}", field=field, key=key)
