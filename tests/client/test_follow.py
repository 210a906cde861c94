"""Following resumes after what a retry mends, raises the rest, and yields each response once."""

from __future__ import annotations

from types import SimpleNamespace

import grpc
import pytest
from andon.scoring.v1 import scoring_pb2, scoring_pb2_grpc
from andon_client.follow import RETRYABLE, Backoff, follow, is_retryable
from hypothesis import given, settings
from hypothesis import strategies as st

AT_ONCE = Backoff(first_s=0.0, max_s=0.0)


def log_of(length, response):
    """A log of `length` entries; the cursor of an entry is its number."""
    return [response(str(position)) for position in range(1, length + 1)]


def breaking(entries, breaks, error):
    """Opens the log after a cursor; the n-th call breaks after `breaks[n]` responses, later ones not at all."""
    opened = []

    def open_stream(after):
        opened.append(after)
        limit = breaks[len(opened) - 1] if len(opened) <= len(breaks) else None
        return responses(int(after or 0), limit)

    async def responses(position, limit):
        for count, entry in enumerate(entries[position:]):
            if count == limit:
                raise error
            yield entry
        if limit is not None and limit >= len(entries) - position:
            raise error

    return open_stream, opened


@pytest.mark.parametrize("code", sorted(RETRYABLE, key=str))
async def test_a_break_that_a_retry_mends_is_followed_on_from_the_last_cursor(code, response, rpc_error):
    open_stream, opened = breaking(log_of(6, response), [2, 0, 3], rpc_error(code))
    seen = [item.through async for item in follow(open_stream, backoff=AT_ONCE)]
    assert seen == ["1", "2", "3", "4", "5", "6"]
    assert opened == ["", "2", "2", "5"]


@pytest.mark.parametrize("code", sorted(set(grpc.StatusCode) - RETRYABLE - {grpc.StatusCode.OK}, key=str))
async def test_an_error_that_no_retry_mends_is_raised(code, response, rpc_error):
    open_stream, opened = breaking(log_of(4, response), [2], rpc_error(code, "no"))
    followed = follow(open_stream, backoff=AT_ONCE)
    assert [(await anext(followed)).through for _ in range(2)] == ["1", "2"]
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await anext(followed)
    assert raised.value.code() is code
    assert opened == [""]


def test_a_message_sent_on_a_call_that_has_just_ended_is_a_break_like_others(rpc_error):
    assert is_retryable(rpc_error(grpc.StatusCode.INTERNAL, "Internal error from Core"))
    assert not is_retryable(rpc_error(grpc.StatusCode.INTERNAL, "incident 7f2c"))


@settings(deadline=None, max_examples=60)
@given(length=st.integers(0, 12), breaks=st.lists(st.integers(0, 5), max_size=8), begin=st.integers(0, 12))
async def test_wherever_it_breaks_each_response_is_yielded_once_and_in_order(length, breaks, begin):
    entries = [SimpleNamespace(through=str(position)) for position in range(1, length + 1)]
    unavailable = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
    open_stream, _ = breaking(entries, breaks, unavailable)
    start = min(begin, length)
    seen = [int(item.through) async for item in follow(open_stream, str(start) if start else "", AT_ONCE)]
    assert seen == list(range(start + 1, length + 1))


async def test_a_response_without_cursor_does_not_send_the_reader_back_to_the_beginning(response, rpc_error):
    opened = []

    async def responses(after):
        opened.append(after)
        if len(opened) == 1:
            yield response("7")
            yield response("")
            raise rpc_error(grpc.StatusCode.UNAVAILABLE)

    assert len([item async for item in follow(responses, backoff=AT_ONCE)]) == 2
    assert opened == ["", "7"]


async def test_every_break_is_told_with_its_error(response, rpc_error):
    told = []
    open_stream, _ = breaking(log_of(2, response), [1, 0], rpc_error(grpc.StatusCode.UNAVAILABLE, "gone"))
    async for _ in follow(open_stream, backoff=AT_ONCE, on_break=told.append):
        pass
    assert [error.details() for error in told] == ["gone", "gone"]


def test_waiting_doubles_up_to_a_limit_and_is_never_less_than_half():
    pace = Backoff(first_s=0.1, max_s=2.0)
    assert [pace.delay_s(attempt, lambda: 1.0) for attempt in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]
    assert pace.delay_s(1_000, lambda: 0.0) == 1.0


async def test_a_response_starts_the_waiting_anew(response, rpc_error):
    attempts = []

    class Watched(Backoff):
        def delay_s(self, attempt, dice):
            attempts.append(attempt)
            return 0.0

    open_stream, _ = breaking(log_of(3, response), [0, 0, 1, 0], rpc_error(grpc.StatusCode.UNAVAILABLE))
    async for _ in follow(open_stream, backoff=Watched()):
        pass
    assert attempts == [0, 1, 0, 1]


class Scores(scoring_pb2_grpc.ScoringServiceServicer):
    """Says two scores a call, then is gone; at 6 the log ends in good order."""

    def __init__(self):
        self.asked = []

    async def WatchScores(self, request, context):
        self.asked.append(request.after)
        position = int(request.after or 0)
        for through in range(position + 1, min(position + 2, 6) + 1):
            yield scoring_pb2.WatchScoresResponse(through=str(through))
        if position + 2 < 6:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "draining")


async def test_a_real_stream_that_its_server_ends_again_and_again_is_read_to_the_end(serve):
    scores = Scores()
    channel = await serve(lambda server: scoring_pb2_grpc.add_ScoringServiceServicer_to_server(scores, server))
    stub = scoring_pb2_grpc.ScoringServiceStub(channel)
    watch = follow(lambda after: stub.WatchScores(scoring_pb2.WatchScoresRequest(after=after)), backoff=AT_ONCE)
    assert [response.through async for response in watch] == ["1", "2", "3", "4", "5", "6"]
    assert scores.asked == ["", "2", "4"]
