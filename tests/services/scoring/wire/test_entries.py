"""What a step states is cut into entries that each fit into a response, and nothing of it is lost or doubled."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import score_pb2, scoring_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.wire.entries import ENTRY_ITEMS_MAX, bytes_of, entries_of

BYTES_MAX = 600


def score(series: str, start_s: int) -> score_pb2.Score:
    message = score_pb2.Score(series=series, value=1.0, count=3)
    message.interval.start.seconds = start_s
    return message


scores = st.lists(st.builds(score, st.text("abc", max_size=90), st.integers(1, 5)), max_size=25)
signals = st.lists(st.builds(lambda name: score_pb2.Signal(name=name), st.text("xyz", max_size=90)), max_size=25)


@settings(deadline=None, max_examples=60)
@given(scores=scores, signals=signals)
def test_every_entry_fits_and_together_they_say_the_same(scores: Any, signals: Any) -> None:
    entries = entries_of(scores, signals, BYTES_MAX)
    for scored, signalled in entries:
        assert scoring_pb2.WatchScoresResponse(scores=scored).ByteSize() <= BYTES_MAX
        assert scoring_pb2.WatchSignalsResponse(signals=signalled).ByteSize() <= BYTES_MAX
    told = [one for scored, _ in entries for one in scored]
    assert sorted(map(str, told)) == sorted(map(str, scores))
    assert [one for _, signalled in entries for one in signalled] == signals
    assert all(not scored for (_, before), (scored, _) in pairwise(entries) if before)


@settings(deadline=None, max_examples=30)
@given(scores=scores)
def test_scores_that_fit_stay_together_and_more_of_them_come_window_by_window(scores: Any) -> None:
    entries = entries_of(scores, [], BYTES_MAX)
    if bytes_of(scores) <= BYTES_MAX:
        assert entries == [(scores, [])]
    else:
        starts = [one.interval.start.seconds for scored, _ in entries for one in scored]
        assert starts == sorted(starts)


def test_an_entry_has_no_more_items_than_a_response() -> None:
    entries = entries_of([score("a", 1)] * (2 * ENTRY_ITEMS_MAX + 1), [], 10**9)
    assert [len(scored) for scored, _ in entries] == [ENTRY_ITEMS_MAX, ENTRY_ITEMS_MAX, 1]


def sliced(make: Any) -> system_pb.IndicatorSystemSpec:
    """Every customer is a slice of its own, by the hour, the day and the week."""
    spec = make.spec()
    spec.dimensions.add(name="customer", attribute="customer")
    for indicator in spec.indicators:
        indicator.windows.extend([system_pb.WINDOW_HOUR, system_pb.WINDOW_DAY])
        indicator.slices.add(dimensions=["customer"])
        indicator.ClearField("chart")
    return spec


@pytest.mark.parametrize(
    ("message_bytes_max", "customers"),
    [(256 * 1024, 200), pytest.param(16 * 1024 * 1024, 6_500, marks=pytest.mark.slow)],
)
async def test_a_commit_larger_than_a_message_reaches_watchers_whole(
    suite_of: Any, make: Any, message_bytes_max: int, customers: int
) -> None:
    suite = await suite_of()
    await suite.start_scoring(message_bytes_max=message_bytes_max)
    await suite.activate(make.spec())
    events = [event for number in range(customers) for event in make.case(number, 100.0 + number, 3.0, False)]
    for event in events:
        event.attributes["customer"].text = f"customer {event.case_id}" + 3 * " of a name that is not short"
    for start in range(0, len(events), 4_000):
        through = await suite.write(events[start : start + 4_000])
    stub = suite.scoring()
    await stub.ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    bounds = await stub.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())

    await suite.activate(sliced(make))
    # Only the new version scores days, and all that it says is published at once.
    days = scoring_pb2.SeriesFilter(windows=[system_pb.WINDOW_DAY])
    while not (await stub.ListScores(scoring_pb2.ListScoresRequest(filter=days, page_size=1))).scores:
        await asyncio.sleep(0.1)
    newest = (await stub.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())).newest
    seen: dict[tuple[str, int], score_pb2.Score] = {}
    whole_bytes = 0
    async for response in stub.WatchScores(scoring_pb2.WatchScoresRequest(after=bounds.newest), timeout=110):
        whole_bytes += response.ByteSize()
        seen |= {(one.series, one.interval.start.seconds): one for one in response.scores}
        if response.through == newest:
            break
    assert whole_bytes > message_bytes_max
    assert await listed(stub) == {key: score for key, score in seen.items() if score.count}


async def listed(stub: Any) -> dict[tuple[str, int], score_pb2.Score]:
    request, found = scoring_pb2.ListScoresRequest(page_size=500), []
    while True:
        page = await stub.ListScores(request)
        found += page.scores
        if not page.next_page_token:
            return {(one.series, one.interval.start.seconds): one for one in found}
        request.page_token = page.next_page_token
