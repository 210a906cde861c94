"""FeedService: KPI feeds and what they declare."""

from dataclasses import replace
from typing import Any

from andon.ingest.v1 import feed_pb2
from andon.ingest.v1 import feed_pb2_grpc as grpc_stubs

from services.ingest.model import RESERVED_PREFIX, SOURCE, SourceId
from services.ingest.registry.feeds.model import Feed
from services.ingest.servicer.feed_rules import check_change, check_feed
from services.ingest.servicer.request_context import RequestContext
from services.ingest.wire import feeds as feed_wire
from services.ingest.writer.interface import LockedSession, StoreSession
from services.runtime.errors import AlreadyExists, NotFound
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_SIZE, PAGE_SIZE_MAX = 20, 100


class FeedServicer(grpc_stubs.FeedServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self._requests = requests

    async def CreateFeed(self, request: feed_pb2.CreateFeedRequest, context: Any) -> feed_pb2.CreateFeedResponse:
        checks = FieldChecks()
        own = SOURCE.fullmatch(request.feed_id) is not None and not request.feed_id.startswith(RESERVED_PREFIX)
        checks.require(own, "feed_id", f"must be 1 to 64 of [a-z0-9._-], and not begin with {RESERVED_PREFIX}")
        check_feed(request.feed, checks)
        checks.done()
        feed = feed_wire.feed(request.feed, SourceId(request.feed_id))

        async def create(session: LockedSession) -> feed_pb2.CreateFeedResponse:
            if await session.registry.source(feed.id) is not None:
                raise AlreadyExists("ALREADY_EXISTS", "a source of this name exists")
            if not request.validate_only:
                await session.registry.create_source(feed_wire.source_of(feed))
                await session.feeds.create(feed)
            made = feed if request.validate_only else await _feed(session, feed.id)
            return feed_pb2.CreateFeedResponse(feed=feed_wire.feed_message(made))

        return await self._requests.once("CreateFeed", request, feed_pb2.CreateFeedResponse, create)

    async def GetFeed(self, request: feed_pb2.GetFeedRequest, context: Any) -> feed_pb2.GetFeedResponse:
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await _feed(session, _id(request.name))
        return feed_pb2.GetFeedResponse(feed=feed_wire.feed_message(found))

    async def ListFeeds(self, request: feed_pb2.ListFeedsRequest, context: Any) -> feed_pb2.ListFeedsResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after,) = place_of(request, "")
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await session.feeds.feeds(after, size + 1)
        more = page_token(request, found[size - 1].id) if len(found) > size else ""
        messages = [feed_wire.feed_message(one) for one in found[:size]]
        return feed_pb2.ListFeedsResponse(feeds=messages, next_page_token=more)

    async def UpdateFeed(self, request: feed_pb2.UpdateFeedRequest, context: Any) -> feed_pb2.UpdateFeedResponse:
        checks = FieldChecks()
        check_feed(request.feed, checks)
        checks.done()
        feed = feed_wire.feed(request.feed, _id(request.feed.name))

        async def update(session: LockedSession) -> feed_pb2.UpdateFeedResponse:
            before = await _feed(session, feed.id)
            changes = FieldChecks()
            check_change(before, feed, changes)
            changes.done()
            if not request.validate_only:
                await session.feeds.replace(feed)
            after = replace(feed, created_at_us=before.created_at_us)
            return feed_pb2.UpdateFeedResponse(feed=feed_wire.feed_message(after))

        return await self._requests.once("UpdateFeed", request, feed_pb2.UpdateFeedResponse, update)


async def _feed(session: StoreSession, name: SourceId) -> Feed:
    found = await session.feeds.feed(name)
    if found is None:
        raise NotFound("NOT_FOUND", "no such feed")
    return found


def _id(name: str) -> SourceId:
    return SourceId(name.removeprefix(feed_wire.FEED_PREFIX))
